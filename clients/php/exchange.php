<?php
$context = new ZMQContext();

function open_socket(int $kind, string $endpoint, array $options = []): ZMQSocket {
    global $context;
    $socket = new ZMQSocket($context, $kind);
    $options += [ZMQ::SOCKOPT_RCVTIMEO => 20000, ZMQ::SOCKOPT_SNDTIMEO => 20000, ZMQ::SOCKOPT_LINGER => 5000];
    foreach ($options as $option => $value) $socket->setSockOpt($option, $value);
    return $socket->connect($endpoint);
}

function expect($got, $wanted): void {
    if ($got !== $wanted) throw new Exception("got " . substr(var_export($got, true), 0, 200));
}

$exchanges = [
    "request_reply" => function () {
        $socket = open_socket(ZMQ::SOCKET_REQ, getenv("ECHO"));
        for ($number = 0; $number < 1000; $number++) {
            $socket->sendMulti(["part", "$number"]);
            expect($socket->recvMulti(), ["part", "$number"]);
        }
    },
    "one_mb" => function () {
        $socket = open_socket(ZMQ::SOCKET_REQ, getenv("ECHO"));
        for ($number = 0; $number < 10; $number++) {
            $body = random_bytes(1000000 + $number);
            $socket->send($body);
            expect($socket->recv(), $body);
        }
    },
    "publish_subscribe" => function () {
        $socket = open_socket(ZMQ::SOCKET_SUB, getenv("PUBLISH"), [ZMQ::SOCKOPT_SUBSCRIBE => "topic"]);
        for ($number = 0; $number < 1000; $number++) expect($socket->recv(), "topic $number");
    },
    "push" => function () {
        $socket = open_socket(ZMQ::SOCKET_PUSH, getenv("PULL"));
        for ($number = 0; $number < 1000; $number++) $socket->send("$number");
    },
    "poll" => function () {
        $socket = open_socket(ZMQ::SOCKET_REQ, getenv("ECHO"));
        $poll = new ZMQPoll();
        $poll->add($socket, ZMQ::POLL_IN);
        $readable = $writable = [];
        expect($poll->poll($readable, $writable, 10), 0);
        $socket->send("poll");
        expect($poll->poll($readable, $writable, 20000), 1);
        expect($socket->recv(), "poll");
    },
    "curve" => function () {
        $socket = open_socket(ZMQ::SOCKET_REQ, getenv("CURVE_ECHO"), [
            ZMQ::SOCKOPT_CURVE_PUBLICKEY => getenv("CLIENT_PUBLIC"),
            ZMQ::SOCKOPT_CURVE_SECRETKEY => getenv("CLIENT_SECRET"),
            ZMQ::SOCKOPT_CURVE_SERVERKEY => getenv("CURVE_KEY"),
        ]);
        for ($number = 0; $number < 100; $number++) {
            $socket->send("$number");
            expect($socket->recv(), "$number");
        }
    },
];
foreach ($exchanges as $name => $exchange) {
    try {
        $exchange();
        echo "ok $name\n";
    } catch (Throwable $error) {
        echo "not ok $name $error\n";
    }
}
