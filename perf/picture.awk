# Draws the table of perf/bench (table.awk's cells) as SVG: one bar a row, on a
# logarithmic axis of how many times better ours is, so that to the right of the
# level line is always better. The table's ratio is turned over where lower is better.
#   -v versions=TEXT -v conditions=TEXT

function log10(x) { return log(x) / log(10) }
function clip(x) { return x < least ? least : x > most ? most : x }
function x_of(times) { return left + (log10(clip(times)) - log10(least)) / (log10(most) - log10(least)) * width }
function escape(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); return s }
function text(x, y, class, s) { printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, escape(s) }
function line(x, y1, y2, class) { printf "<path d=\"M%.1f %.1fV%.1f\" class=\"%s\"/>\n", x, y1, y2, class }
function note_range(times) {
    if (times < least) least = times
    if (times > most) most = times
}
# The bound of a target (">= 2.0") as times better.
function bound(target, better,    part) {
    split(target, part, " ")
    return better == "higher" ? part[2] : 1 / part[2]
}
# A bar from the level line to times, open-ended where the axis ends before it.
function bar(times, y, height, class,    a, b, arrow) {
    a = x_of(1); b = x_of(times)
    printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>\n", \
        a < b ? a : b, y, (a < b ? b - a : a - b) + 0.1, height, class
    arrow = times > most ? 6 : times < least ? -6 : 0
    if (arrow) printf "<path d=\"M%.1f %.1fl%d %.1fl%d %.1fz\" class=\"%s\"/>\n", b, y, arrow, height / 2, -arrow, height / 2, class
}
function mark(times, y1, y2) {
    line(x_of(times), y1, y2, "halo")
    line(x_of(times), y1, y2, "target")
}

BEGIN { least = 0.5; most = 2; limit = 100 }

NR == 1 { next }
NF == 1 { heading[++n] = $1; next }
{
    label[++n] = $1; ratio[n] = $4; better[n] = $10; verdict[n] = $9
    cpu[n] = ""; goal[n] = ""; cpu_goal[n] = ""
    # "<= 0.2, CPU <= 0.5"
    m = split($8, part, ", ")
    for (i = 1; i <= m; i++)
        if (part[i] ~ /^CPU /) { cpu_goal[n] = bound(substr(part[i], 5), "lower"); cpu[n] = $7 }
        else goal[n] = bound(part[i], $10)
    targets[n] = $8
    if ($4 == "") next
    # What is printed as 0.000 is at most 0.0005.
    times[n] = better[n] == "higher" ? ratio[n] + 0 : 1 / (ratio[n] < 0.0005 ? 0.0005 : ratio[n])
    if (times[n] < 0.0005) times[n] = 0.0005
    note_range(times[n])
    if (goal[n] != "") note_range(goal[n])
    if (cpu[n] != "") note_range(1 / (cpu[n] < 0.0005 ? 0.0005 : cpu[n]))
    if (verdict[n] == "ok") met++
    if (verdict[n] != "") judged++
}

END {
    if (most > limit) most = limit
    if (least < 1 / limit) least = 1 / limit
    most *= 1.15; least /= 1.15
    left = 420; width = 440; total = 960; row = 17; top = 130
    height = top + 30
    for (i = 1; i <= n; i++) height += i in heading ? 30 : row
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", total, height, total, height
    print "<title>" escape("Ours against libzmq, " met + 0 " of " judged + 0 " rows at their target") "</title>"
    print "<defs><pattern id=\"stripes\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">" \
        "<rect width=\"5\" height=\"5\" fill=\"#fff\"/><rect width=\"2.6\" height=\"5\" fill=\"#c2410c\"/></pattern></defs>"
    print "<style>text{font:11.5px system-ui,Helvetica,Arial,sans-serif;fill:#1f2328}" \
        ".title{font-size:17px;font-weight:600}.small{font-size:10.5px;fill:#57606a}" \
        ".head{font-weight:600;font-size:12.5px}.right{text-anchor:end}.middle{text-anchor:middle;font-size:10.5px;fill:#57606a}" \
        ".number{text-anchor:end;font-variant-numeric:tabular-nums}.bad{font-weight:600;fill:#c2410c}" \
        ".ok{fill:#2563a8}.miss{fill:url(#stripes);stroke:#c2410c;stroke-width:.8}.plain{fill:#8c959f}.cpu{fill:#6e7781}" \
        ".grid{stroke:#d8dee4;fill:none}.level{stroke:#1f2328;stroke-width:1.5;fill:none}" \
        ".target{stroke:#1f2328;stroke-width:2;fill:none}.halo{stroke:#fff;stroke-width:5;fill:none}</style>"
    printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", total, height
    text(12, 26, "title", "How many times better than libzmq: " met + 0 " of " judged + 0 " rows at their target")
    text(12, 44, "small", versions)
    text(12, 59, "small", conditions)

    text(12, 74, "small", "To the right is better: rates are ours / libzmq, times and memory libzmq / ours. Each row was run in turn on both.")

    # The legend is made of what it explains.
    y = 86
    printf "<rect x=\"12\" y=\"%d\" width=\"26\" height=\"8\" class=\"ok\"/>\n", y; text(43, y + 8, "small", "target met")
    printf "<rect x=\"112\" y=\"%d\" width=\"26\" height=\"8\" class=\"miss\"/>\n", y; text(143, y + 8, "small", "missed")
    printf "<rect x=\"197\" y=\"%d\" width=\"26\" height=\"8\" class=\"plain\"/>\n", y; text(228, y + 8, "small", "no target")
    printf "<rect x=\"294\" y=\"%d\" width=\"26\" height=\"3\" class=\"cpu\"/>\n", y + 3; text(325, y + 8, "small", "CPU time, where it has a target")
    line(502, y - 2, y + 10, "target"); text(508, y + 8, "small", "target of the bar (short: of the CPU time)")
    line(752, y - 2, y + 10, "level"); text(758, y + 8, "small", "level with libzmq")

    bottom = height - 22
    ticks = split("0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20 50 100", tick, " ")
    for (i = 1; i <= ticks; i++) {
        if (tick[i] < least || tick[i] > most) continue
        if (tick[i] != 1) line(x_of(tick[i]), top - 8, bottom, "grid")
        name = tick[i] < 1 ? "1/" int(1 / tick[i] + 0.5) : tick[i] == 1 ? "level" : tick[i] "x"
        text(x_of(tick[i]), top - 12, "middle", name)
        text(x_of(tick[i]), bottom + 14, "middle", name)
    }
    text(left - 22, top - 12, "small right", "ratio in the table")

    y = top
    for (i = 1; i <= n; i++) {
        if (i in heading) {
            text(12, y + 20, "head", heading[i])
            y += 30
            continue
        }
        text(20, y + 12, "", label[i])
        if (ratio[i] == "") {
            text(x_of(1) + 8, y + 12, "bad", "FAILED")
            y += row
            continue
        }
        text(left - 22, y + 12, "number", ratio[i])
        bar(times[i], y + 2.5, 8, verdict[i] == "" ? "plain" : verdict[i] == "miss" ? "miss" : "ok")
        if (cpu[i] != "") {
            c = 1 / (cpu[i] < 0.0005 ? 0.0005 : cpu[i])
            bar(c, y + 11.5, 3, verdict[i] == "miss (CPU)" || c < cpu_goal[i] ? "miss" : "cpu")
            mark(cpu_goal[i], y + 10.5, y + 15.5)
        }
        if (goal[i] != "") mark(goal[i], y + 0.5, y + 11.5)
        if (verdict[i] ~ /miss/) text(left + width + 14, y + 12, "bad", verdict[i])
        y += row
    }
    line(x_of(1), top - 8, bottom, "level")
    print "</svg>"
}
