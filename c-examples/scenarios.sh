# The examples at work, as real processes: shared by `demo` and `memcheck`.
# Sourced by bash. The caller sets
#   BIN      directory of the compiled examples
#   RUN      array: what to run each program under (may be empty)
#   LIMIT    seconds that one program may take
#   FACTOR   divides the counts, 1 for full size
#   QUIET    not empty: show no program output
# and finds the result in PASSED and FAILED.

PASSED=0
FAILED=0
WORK=$(mktemp -d "${TMPDIR:-/tmp}/zmq-examples.XXXXXX")
TCP='tcp://127.0.0.1:*'
declare -A PID=() STATUS=()
ORDER=()

# However we end, every process that we started ends too, by its pid.
clean_up () {
    local name
    for name in "${!PID[@]}"; do
        kill -KILL "${PID[$name]}" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What the next program reads; /dev/null unless somebody presses Enter.
KEYBOARD=/dev/null

# start NAME PROGRAM ARGUMENTS...: in the background, its output in a file.
start () {
    local name=$1 program=$2
    shift 2
    : >"$WORK/$name.log" # Here already: an earlier one's must not be read.
    "${RUN[@]}" "$BIN/$program" "$@" <"$KEYBOARD" >"$WORK/$name.log" 2>&1 &
    PID[$name]=$!
    ORDER+=("$name")
}

# wait_for NAME TEXT COUNT: until the program has written that many such lines.
wait_for () {
    local deadline=$((SECONDS + LIMIT))
    until [ "$(grep -c -- "$2" "$WORK/$1.log")" -ge "${3:-1}" ]; do
        if [ $SECONDS -ge $deadline ] || ! kill -0 "${PID[$1]}" 2>/dev/null; then
            # It may have written the line and ended between the two checks.
            [ "$(grep -c -- "$2" "$WORK/$1.log")" -ge "${3:-1}" ] && return 0
            return 1
        fi
        sleep 0.02
    done
}

# endpoint NAME NUMBER: the NUMBERth endpoint that the program listens on.
endpoint () {
    wait_for "$1" '^listening on ' "${2:-1}"
    grep '^listening on ' "$WORK/$1.log" | sed -n "${2:-1}s/^listening on //p"
}

# finish NAME...: waits until each ends by itself; STATUS holds how.
finish () {
    local name deadline
    for name; do
        deadline=$((SECONDS + LIMIT))
        while kill -0 "${PID[$name]}" 2>/dev/null; do
            if [ $SECONDS -ge $deadline ]; then
                echo "(did not end within $LIMIT s)" >>"$WORK/$name.log"
                kill -KILL "${PID[$name]}" 2>/dev/null
                break
            fi
            sleep 0.02
        done
        wait "${PID[$name]}" 2>/dev/null
        STATUS[$name]=$?
        unset "PID[$name]"
    done
}

# stop NAME...: asks each to end as Ctrl-C would. Asked again while it runs:
# a signal between the program's last check and its blocking call has no effect.
stop () {
    local name deadline
    for name; do
        deadline=$((SECONDS + LIMIT))
        while kill -TERM "${PID[$name]}" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
            sleep 0.05
            kill -0 "${PID[$name]}" 2>/dev/null && sleep 0.2
        done
        finish "$name"
    done
}

# The programs' output, each line with its program's name.
show () {
    local name
    if [ -z "$QUIET" ]; then
        for name in "${ORDER[@]}"; do
            sed "s/^/  [$name] /" "$WORK/$name.log"
        done
    fi
    ORDER=()
}

# check WHAT COMMAND...: a pass or a fail line.
check () {
    local what=$1
    shift
    if "$@"; then
        PASSED=$((PASSED + 1))
        echo "pass: $what"
    else
        FAILED=$((FAILED + 1))
        echo "FAIL: $what"
        [ -n "$QUIET" ] && [ -n "$SUBJECT" ] && sed "s/^/  [$SUBJECT] /" "$WORK/$SUBJECT.log"
    fi
    return 0
}

# says NAME LINE: the program wrote exactly this line, and ended well.
says () {
    SUBJECT=$1
    grep -qxF -- "$2" "$WORK/$1.log" && [ "${STATUS[$1]}" = 0 ]
}
# ended NAME: it ended with status 0.
ended () {
    SUBJECT=$1
    [ "${STATUS[$1]}" = 0 ]
}
# adds_up TOTAL PATTERN NAME...: the numbers that sed's PATTERN finds add up.
adds_up () {
    local total=$1 pattern=$2 sum=0 name number
    shift 2
    for name; do
        SUBJECT=$name
        number=$(sed -n "s/$pattern/\\1/p" "$WORK/$name.log")
        [ "${STATUS[$name]}" = 0 ] && [ -n "$number" ] || return 1
        sum=$((sum + number))
    done
    [ "$sum" = "$total" ]
}
title () { echo; echo "== $*"; }

# What ventilator's tasks add up to: 1 + 7 n mod 20, n from 0.
workload () {
    local n total=0
    for ((n = 0; n < $1; n++)); do total=$((total + 1 + n * 7 % 20)); done
    echo $total
}

scenario_version () {
    title 'version'
    start version version
    finish version
    show
    check 'the library is a 4.3' ended version
}

scenario_hello_world () {
    local n=$((20 / FACTOR))
    title "hello world: two clients, one server, over tcp and ipc"
    start server hwserver "$TCP" $n
    start server-ipc hwserver "ipc://$WORK/hello" $n
    start client hwclient "$(endpoint server)" $n
    start client-ipc hwclient "$(endpoint server-ipc)" $n
    finish client client-ipc server server-ipc
    show
    check 'every answer over tcp is right' says client "$n of $n answers right"
    check 'every answer over ipc is right' says client-ipc "$n of $n answers right"
    check 'the servers counted the same' adds_up $((2 * n)) 'served \(.*\) requests' server server-ipc
}

scenario_weather () {
    local n=$((200 / FACTOR / 2 * 2)) address
    title 'weather publish-subscribe: two subscribers choose their place'
    start server wuserver "$TCP"
    address=$(endpoint server)
    start client-1 wuclient "$address" 10001 $n
    start client-7 wuclient "$address" 10007 $n
    finish client-1 client-7
    stop server
    show
    check 'place 10001: only its own updates, none lost' says client-1 "place 10001: $n updates, average 1.0, foreign 0"
    check 'place 10007: only its own updates, none lost' says client-7 "place 10007: $n updates, average 7.0, foreign 0"
    check 'the server ends cleanly when interrupted' ended server
}

scenario_pipeline () {
    local n=$((100 / FACTOR)) tasks results orders total name
    total=$(workload $n)
    title 'parallel pipeline with kill signal: ventilator, three workers, sink'
    start sink sink2 "$TCP" "$TCP" 3
    results=$(endpoint sink 1)
    orders=$(endpoint sink 2)
    rm -f "$WORK/keyboard"
    mkfifo "$WORK/keyboard"
    exec 9<>"$WORK/keyboard"
    KEYBOARD=$WORK/keyboard
    start ventilator ventilator "$TCP" "$results" $n
    KEYBOARD=/dev/null
    tasks=$(endpoint ventilator)
    for name in worker-1 worker-2 worker-3; do
        start $name worker2 "$tasks" "$results" "$orders"
        wait_for $name ready
    done
    sleep 0.1 # A person would take longer to press Enter.
    echo >&9
    exec 9>&-
    finish worker-1 worker-2 worker-3 sink ventilator
    show
    check 'the sink has every result' says sink "collected $n results, total $total"
    check 'the workers did every task once, and the kill signal ended all three' \
        adds_up $n 'did \(.*\) tasks, killed' worker-1 worker-2 worker-3
    check 'the ventilator ends' says ventilator "sent $n tasks, total $total"
}

scenario_broker () {
    local n=$((20 / FACTOR)) front back
    title 'request-reply broker: three clients, broker, two workers'
    start broker rrbroker "$TCP" "$TCP"
    front=$(endpoint broker 1)
    back=$(endpoint broker 2)
    start worker-1 rrworker "$back"
    start worker-2 rrworker "$back"
    start client-1 rrclient "$front" $n 0
    start client-2 rrclient "$front" $n 100
    start client-3 rrclient "$front" $n 200
    finish client-1 client-2 client-3
    stop worker-1 worker-2 broker
    show
    check 'client 1: every answer right' says client-1 "$n of $n answers right"
    check 'client 2: every answer right' says client-2 "$n of $n answers right"
    check 'client 3: every answer right' says client-3 "$n of $n answers right"
    check 'the workers served every request once' adds_up $((3 * n)) 'served \(.*\) requests' worker-1 worker-2
    check 'the broker passed all on' says broker "passed on $((3 * n)) requests and $((3 * n)) replies"
}

scenario_multithreaded () {
    local n=$((20 / FACTOR)) address
    title 'multithreaded server: five threads, three clients'
    start server mtserver "$TCP" 5
    address=$(endpoint server 2)
    start client-1 hwclient "$address" $n 0
    start client-2 hwclient "$address" $n 1000
    start client-3 hwclient "$address" $n 2000
    finish client-1 client-2 client-3
    stop server
    show
    check 'client 1: every answer right' says client-1 "$n of $n answers right"
    check 'client 2: every answer right' says client-2 "$n of $n answers right"
    check 'client 3: every answer right' says client-3 "$n of $n answers right"
    check 'the server and its threads end when interrupted' says server 'server ends'
}

scenario_message_queue () {
    local n=$((20 / FACTOR))
    title 'message queue with zmq_proxy'
    start queue msgqueue "ipc://$WORK/front" "ipc://$WORK/back"
    endpoint queue 2 >/dev/null
    start worker rrworker "ipc://$WORK/back"
    start client rrclient "ipc://$WORK/front" $n
    finish client
    stop worker queue
    show
    check 'every answer right' says client "$n of $n answers right"
    check 'the queue ends when interrupted' says queue 'queue ends'
}

scenario_weather_proxy () {
    local n=$((100 / FACTOR / 2 * 2))
    title 'weather proxy: from an ipc network to a tcp network'
    start server wuserver "ipc://$WORK/weather"
    endpoint server >/dev/null
    start proxy wuproxy "ipc://$WORK/weather" "$TCP"
    start client wuclient "$(endpoint proxy)" 10003 $n
    finish client
    stop proxy server
    show
    check 'the updates came through, no others' says client "place 10003: $n updates, average 3.0, foreign 0"
    check 'proxy and server end when interrupted' ended proxy
}

scenario_two_sockets () {
    local n=$((100 / FACTOR)) weather total
    total=$(workload $n)
    title 'reading two sockets: by asking each in turn, and with zmq_poll'
    start server wuserver "$TCP"
    weather=$(endpoint server)
    start vent-1 ventilator "ipc://$WORK/vent-1" - $n
    start vent-2 ventilator "ipc://$WORK/vent-2" - $n
    start reader msreader "ipc://$WORK/vent-1" "$weather" $n 10
    start poller mspoller "ipc://$WORK/vent-2" "$weather" $n 10
    finish reader poller
    stop server
    finish vent-1 vent-2
    show
    check 'the reader has all tasks and its updates' says reader "read $n tasks, total $total, and at least 10 updates"
    check 'the poller has all tasks and its updates' says poller "read $n tasks, total $total, and at least 10 updates"
}

scenario_simple_pipeline () {
    local n=$((100 / FACTOR)) total
    total=$(workload $n)
    title 'parallel pipeline without kill signal'
    start sink sink "ipc://$WORK/sink"
    start worker-1 worker "ipc://$WORK/ventilator" "ipc://$WORK/sink"
    start worker-2 worker "ipc://$WORK/ventilator" "ipc://$WORK/sink"
    start ventilator ventilator "ipc://$WORK/ventilator" "ipc://$WORK/sink" $n
    finish ventilator sink
    stop worker-1 worker-2
    show
    check 'the sink has every result' says sink "collected $n results, total $total"
    check 'the workers did every task once' adds_up $n 'did \(.*\) tasks' worker-1 worker-2
}

scenario_interrupt () {
    title 'interrupt: a blocked receive returns EINTR'
    start program interrupt "ipc://$WORK/interrupt"
    endpoint program >/dev/null
    stop program
    show
    check 'interrupted, and closed in order' says program 'interrupt seen, closing down'
}

scenario_synchronised () {
    local n=$((1000000 / FACTOR / FACTOR / FACTOR)) subscribers=$((10 / FACTOR)) sub updates sync k missing=0
    title "synchronised publish-subscribe: $n updates to $subscribers subscribers"
    start publisher syncpub "$TCP" "$TCP" $subscribers $n
    updates=$(endpoint publisher 1)
    sync=$(endpoint publisher 2)
    sub=()
    for ((k = 1; k <= subscribers; k++)); do
        start "subscriber-$k" syncsub "$updates" "$sync"
        sub+=("subscriber-$k")
    done
    finish "${sub[@]}" publisher
    show
    for k in "${sub[@]}"; do
        says "$k" "received $n updates, 0 out of order" || missing=$((missing + 1))
    done
    check "all $subscribers have every update, in order" [ $missing = 0 ]
    check 'the publisher ends' says publisher "published $n updates"
}

scenario_envelopes () {
    title 'publish-subscribe envelopes'
    start publisher psenvpub "$TCP"
    start subscriber psenvsub "$(endpoint publisher)" B 4
    finish subscriber
    stop publisher
    show
    check 'key and text, four times' says subscriber '[B] A subscriber to B sees this'
    check 'the publisher ends when interrupted' ended publisher
}

scenario_relay () {
    title 'relay race over PAIR'
    start relay mtrelay 10
    finish relay
    show
    check 'the baton went round' says relay 'the baton went through 10 hands'
}

scenario_zero_copy () {
    local n=$((20 / FACTOR))
    title 'zero-copy send'
    start large zerocopy "$TCP" 1000000 $n
    start small zerocopy "ipc://$WORK/zero" 20 $n
    start inside zerocopy inproc://zero 5000 $n
    finish large small inside
    show
    check 'tcp, 1000000 bytes: all arrived, all given back' says large "$n of $n messages of 1000000 bytes arrived, $n buffers given back"
    check 'ipc, 20 bytes: all arrived, all given back' says small "$n of $n messages of 20 bytes arrived, $n buffers given back"
    check 'inproc, 5000 bytes: all arrived, all given back' says inside "$n of $n messages of 5000 bytes arrived, $n buffers given back"
}

scenario_multipart () {
    title 'multipart messages'
    start multipart multipart "ipc://$WORK/multipart"
    finish multipart
    show
    check 'all parts or none' says multipart 'received 4 parts, 0 wrong'
}

scenario_high_water_mark () {
    title 'high-water mark'
    start hwm hwm 10
    finish hwm
    show
    check 'PUSH blocks, PUB drops' says hwm 'as expected'
}

ALL_SCENARIOS='version hello_world weather pipeline broker multithreaded
    simple_pipeline two_sockets interrupt message_queue weather_proxy relay
    synchronised envelopes zero_copy multipart high_water_mark'
