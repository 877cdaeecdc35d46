# Turns the runs of perf/bench into the table's cells, tab-separated.  First the
# file of runs (group, pair, side, line of perf), then the file of rows (group |
# label | target | metric | CPU target).  Exit status 1 when a target is missed.

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
# Fills ratios[] of a metric over the pairs and returns their number; 0 when one
# of our runs failed.
function collect(group, metric,    p, a, b, n) {
    n = 0
    for (p = 1; p <= pairs; p++) {
        if ((group, p, "ours", "failed") in failed) return 0
        if (!((group, p, "ours", metric) in value) || !((group, p, "reference", metric) in value)) continue
        a = value[group, p, "ours", metric]
        b = value[group, p, "reference", metric]
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
    print "row", "ours", "reference", "ratio", "lowest", "highest", "CPU ratio", "target", ""
}

FS != "|" {
    if ($4 == "failed") { failed[$1, $2, $3, "failed"] = 1; next }
    for (i = 5; i <= NF; i++) {
        split($i, field, " ")
        value[$1, $2, $3, field[1]] = field[2] + 0
        unit[$1, field[1]] = field[3]
    }
    next
}

{
    n = collect($1, "cpu")
    cpu = n ? median(ratios, n) : ""
    n = collect($1, $4)
    target = $3
    if ($5 != "") target = target (target == "" ? "" : ", ") "CPU " $5
    if (n * 2 < pairs) {
        missed = 1
        print $2, "", "", "", "", "", "", target, "FAILED"
        next
    }
    ratio = median(ratios, n)
    low = ratios[1]; high = ratios[n]
    verdict = target == "" ? "" : "ok"
    if ($3 != "" && !meets(ratio, $3)) verdict = "miss"
    if ($5 != "" && (cpu == "" || !meets(cpu, $5))) verdict = "miss"
    if (verdict == "miss") missed = 1
    u = unit[$1, $4]
    print $2, human(median(ours, n), u), human(median(theirs, n), u), sprintf("%.2f", ratio), \
        sprintf("%.2f", low), sprintf("%.2f", high), cpu == "" ? "" : sprintf("%.2f", cpu), target, verdict
}

END { exit missed }
