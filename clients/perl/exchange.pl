use strict;
use warnings;
use ZMQ::FFI;
use ZMQ::FFI::Constants qw(ZMQ_REQ ZMQ_SUB ZMQ_PUSH ZMQ_RCVTIMEO ZMQ_SNDTIMEO ZMQ_CURVE_SERVERKEY ZMQ_CURVE_PUBLICKEY
    ZMQ_CURVE_SECRETKEY);

my $context = ZMQ::FFI->new(soname => 'libzmq.so.5');

sub open_socket {
    my ($kind, $endpoint, %texts) = @_;
    my $socket = $context->socket($kind);
    $socket->set($_, 'int', 20000) for ZMQ_RCVTIMEO, ZMQ_SNDTIMEO;
    $socket->set($_, 'string', $texts{$_}) for keys %texts;
    $socket->set_linger(5000);
    $socket->connect($endpoint);
    return $socket;
}

sub expect { my ($got, $wanted) = @_; die "got another answer" if $got ne $wanted }

my @exchanges = (
    request_reply => sub {
        my $socket = open_socket(ZMQ_REQ, $ENV{ECHO});
        for (0 .. 999) {
            $socket->send_multipart(['part', $_]);
            expect(join(' ', $socket->recv_multipart), "part $_");
        }
    },
    one_mb => sub {
        my $socket = open_socket(ZMQ_REQ, $ENV{ECHO});
        for (0 .. 9) {
            my $body = 'x' x (1_000_000 + $_);
            $socket->send($body);
            expect($socket->recv, $body);
        }
    },
    publish_subscribe => sub {
        my $socket = open_socket(ZMQ_SUB, $ENV{PUBLISH});
        $socket->subscribe('topic');
        expect($socket->recv, "topic $_") for 0 .. 999;
    },
    push => sub {
        my $socket = open_socket(ZMQ_PUSH, $ENV{PULL});
        $socket->send($_) for 0 .. 999;
    },
    curve => sub {
        my ($public, $secret) = $context->curve_keypair;
        my $socket = open_socket(ZMQ_REQ, $ENV{CURVE_ECHO}, ZMQ_CURVE_SERVERKEY, $ENV{CURVE_KEY},
            ZMQ_CURVE_PUBLICKEY, $public, ZMQ_CURVE_SECRETKEY, $secret);
        for (0 .. 99) {
            $socket->send($_);
            expect($socket->recv, $_);
        }
    },
);
while (my ($name, $exchange) = splice @exchanges, 0, 2) {
    if (eval { $exchange->(); 1 }) { print "ok $name\n" }
    else { print "not ok $name $@\n" }
}
