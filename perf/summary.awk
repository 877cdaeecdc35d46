# Draws ten rows of perf/results.md as SVG, with their figures: two bars a row, ours and libzmq's, one
# scale for times (shorter is better) and one for rates (longer is better).
#
#   awk -f perf/summary.awk perf/results.md > perf/summary.svg

function row(kind, heading, label, text) {
    place[heading "|" label] = ++n
    kinds[n] = kind; texts[n] = text; rows[n] = label
}
# "826 ns" in microseconds, "810 k/s" in messages a second.
function number(cell,    part) {
    split(cell, part, " ")
    return part[1] * (part[2] in unit ? unit[part[2]] : 1)
}
# Three digits, in the unit of the kind.
function figure(value, kind,    unit_text) {
    if (kind == "time") return digits(value) " µs"
    if (value >= 1e6) return digits(value / 1e6) " million/s"
    return sprintf("%d,000/s", value / 1e3 + 0.5)
}
function digits(value) { return value < 10 ? sprintf("%.1f", value) : sprintf("%d", value + 0.5) }
function text(x, y, class, s) { printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, s }
function bar(value, most, y, class, label) {
    printf "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"10\" rx=\"1\" class=\"%s\"/>\n", left, y, value / most * width + 1, class
    text(left + value / most * width + 7, y + 9, class == "ours" ? "figure strong" : "figure", label)
}
function panel(kind, title,    i, most) {
    text(12, y + 16, "head", title)
    y += 26
    for (i = 1; i <= n; i++) if (kinds[i] == kind) { if (ours[i] > most) most = ours[i]; if (theirs[i] > most) most = theirs[i] }
    for (i = 1; i <= n; i++) {
        if (kinds[i] != kind) continue
        text(left - 10, y + 14, "label", texts[i])
        bar(ours[i], most, y, "ours", figure(ours[i], kind))
        bar(theirs[i], most, y + 11, "theirs", figure(theirs[i], kind))
        y += 29
    }
    y += 8
}

BEGIN {
    FS = " *[|] *"
    unit["ns"] = 0.001; unit["us"] = 1; unit["ms"] = 1000; unit["k/s"] = 1e3; unit["M/s"] = 1e6; unit["/s"] = 1
    asked = "REQ/REP, the peer answers at once: one way"
    row("time", asked, "tcp, 100 bytes", "request and reply, tcp")
    row("time", asked, "ipc, 100 bytes", "request and reply, ipc")
    row("time", "Other ways of a request and its answer, 1 byte: one way", "client, broker and worker", "client, broker, worker")
    row("time", "Messages that come rarely: one way", "a message every 1 ms", "a message every ms")
    row("time", "Other ways of a request and its answer, 1 byte: one way", "PAIR over inproc", "thread to thread, inproc")
    row("rate", "Throughput, PUSH to PULL over tcp", "tcp, 100 bytes", "PUSH to PULL, tcp, 100 bytes")
    row("rate", "Throughput, PUSH to PULL over ipc", "ipc, 100 bytes", "PUSH to PULL, ipc, 100 bytes")
    row("rate", "Many peers, brokers, I/O threads: messages a second", "PUB to 50 SUBs", "PUB to 50 SUBs")
    row("rate", "CURVE over tcp", "CURVE, 100 bytes", "encrypted (CURVE), 100 bytes")
    row("rate", "Many peers, brokers, I/O threads: messages a second", "50 DEALERs, ROUTER", "50 DEALERs, one ROUTER")
}
/^## / { heading = substr($0, 4) }
/^Ours: / { versions = $0 }
/ pairs a row, / { conditions = $0 }
/^\| / && (heading "|" $2) in place {
    i = place[heading "|" $2]
    ours[i] = number($3); theirs[i] = number($4)
}
END {
    for (i = 1; i <= n; i++)
        if (!(ours[i] > 0 && theirs[i] > 0)) { print "summary.awk: no figures of " rows[i] > "/dev/stderr"; exit 1 }
    left = 220; width = 400; total = 760; height = 68 + n * 29 + 60
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", total, height, total, height
    print "<title>Ten rows of perf/results.md: this library and libzmq</title>"
    print "<style>text{font:13px system-ui,Helvetica,Arial,sans-serif;fill:#1f2328}.label{text-anchor:end}" \
        ".head{font-weight:600}.small{font-size:11px;fill:#57606a}.figure{font-size:11px;fill:#57606a}" \
        ".strong{font-weight:600;fill:#1f2328}.ours{fill:#2563a8}.theirs{fill:#b8c0c8}</style>"
    printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", total, height
    printf "<rect x=\"12\" y=\"14\" width=\"26\" height=\"10\" class=\"ours\"/>\n"
    text(44, 23, "", "this library")
    printf "<rect x=\"136\" y=\"14\" width=\"26\" height=\"10\" class=\"theirs\"/>\n"
    text(168, 23, "", "libzmq")
    y = 34
    panel("time", "From one program to the other, in microseconds: shorter is better")
    panel("rate", "Messages a second: longer is better")
    text(12, y + 8, "small", versions)
    text(12, y + 23, "small", conditions)
    print "</svg>"
}
