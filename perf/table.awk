# Turns the runs of perf/bench into the table's cells, tab-separated; a heading is a
# line of one cell.  First the file of runs (round, run, line of perf), then the file
# of rows (heading | label | target | metric | CPU target | run of ours | other run).
# Exit status 1 when a target is missed.

function sort(a, n,    i, j, x) {
    for (i = 2; i <= n; i++) {
        x = a[i]
        for (j = i - 1; j > 0 && a[j] > x; j--) a[j + 1] = a[j]
        a[j + 1] = x
    }
}
function median(a, n) {
    sort(a, n)
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}
function short(x) {
    return x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x)
}
function decimal(ratio) { return sprintf(ratio < 0.0995 ? "%.3f" : "%.2f", ratio) }
function human(x, u) {
    if (u ~ /\/s$/) {
        if (x >= 1e6) return short(x / 1e6) " M/s"
        if (x >= 1e3) return short(x / 1e3) " k/s"
        return short(x) " /s"
    }
    if (u == "bytes") return x >= 1024 ? short(x / 1024) " KiB" : short(x) " B"
    sub(/\/.*/, "", u)
    if (u == "us" && x < 1) return short(x * 1000) " ns"
    if (u == "us" && x >= 1000) return short(x / 1000) " ms"
    return short(x) " " u
}
# Fills ratios[] of a metric over the rounds and returns their number; 0 when one
# of our runs failed.
function collect(our_run, their_run, metric,    p, a, b, n) {
    n = 0
    if (our_run in failed) return 0
    for (p = 1; p <= pairs; p++) {
        if (!((p, our_run, metric) in value) || !((p, their_run, metric) in value)) continue
        a = value[p, our_run, metric]
        b = value[p, their_run, metric]
        if (b == 0) continue
        n++
        ours[n] = a
        theirs[n] = b
        ratios[n] = a / b
    }
    return n
}
# Judged as printed, so that a row shown as 1.00 is level.
function meets(ratio, target,    part) {
    split(target, part, " ")
    ratio = sprintf("%.2f", ratio) + 0
    return part[1] == ">=" ? ratio >= part[2] + 0 : ratio <= part[2] + 0
}

BEGIN {
    OFS = "\t"
    print "row", "ours", "reference", "ratio", "lowest", "highest", "CPU ratio", "target", "", "better"
}

FS != "|" {
    if ($3 == "failed") { failed[$2] = 1; next }
    for (i = 4; i <= NF; i++) {
        split($i, field, " ")
        value[$1, $2, field[1]] = field[2] + 0
        unit[$2, field[1]] = field[3]
    }
    next
}

$1 != heading { heading = $1; print heading }

{
    n = collect($6, $7, "cpu")
    cpu = n ? median(ratios, n) : ""
    n = collect($6, $7, $4)
    target = $3
    if ($5 != "") target = target (target == "" ? "" : ", ") "CPU " $5
    u = unit[$6, $4]
    better = u ~ /(\/s|times)$/ ? "higher" : "lower"
    if (n * 2 < pairs) {
        missed = 1
        print $2, "", "", "", "", "", "", target, "FAILED", better
        next
    }
    ratio = median(ratios, n)
    low = ratios[1]; high = ratios[n]
    verdict = target == "" ? "" : "ok"
    if ($5 != "" && (cpu == "" || !meets(cpu, $5))) verdict = "miss (CPU)"
    if ($3 != "" && !meets(ratio, $3)) verdict = "miss"
    if (verdict ~ /miss/) missed = 1
    print $2, human(median(ours, n), u), human(median(theirs, n), u), decimal(ratio), \
        decimal(low), decimal(high), cpu == "" ? "" : decimal(cpu), target, verdict, better
}

END { exit missed }
