#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

static zmq::context_t context;

static zmq::socket_t open(zmq::socket_type type, const char *endpoint) {
    zmq::socket_t socket(context, type);
    socket.set(zmq::sockopt::rcvtimeo, 20000);
    socket.set(zmq::sockopt::sndtimeo, 20000);
    socket.set(zmq::sockopt::linger, 5000);
    if (endpoint)
        socket.connect(std::getenv(endpoint));
    return socket;
}

static void expect(bool right, const std::string &what) {
    if (!right)
        throw std::runtime_error(what);
}

static std::string receive(zmq::socket_t &socket) {
    zmq::message_t message;
    expect(socket.recv(message).has_value(), "nothing comes");
    return message.to_string();
}

static void echo(zmq::socket_t &socket, const std::string &text) {
    socket.send(zmq::buffer(text), zmq::send_flags::none);
    expect(receive(socket) == text, "another answer");
}

static void request_reply() {
    auto socket = open(zmq::socket_type::req, "ECHO");
    for (int number = 0; number < 1000; number++) {
        std::vector<zmq::message_t> sent, received;
        sent.emplace_back(std::string("part"));
        sent.emplace_back(std::to_string(number));
        expect(zmq::send_multipart(socket, sent).has_value(), "not sent");
        expect(zmq::recv_multipart(socket, std::back_inserter(received)) == 2, "not two parts");
        expect(received[1].to_string() == std::to_string(number), "another answer");
    }
}

static void one_mb() {
    auto socket = open(zmq::socket_type::req, "ECHO");
    for (int number = 0; number < 10; number++)
        echo(socket, std::string(1000000 + number, char('a' + number)));
}

static void publish_subscribe() {
    auto socket = open(zmq::socket_type::sub, nullptr);
    socket.set(zmq::sockopt::subscribe, "topic");
    socket.connect(std::getenv("PUBLISH"));
    for (int number = 0; number < 1000; number++)
        expect(receive(socket) == "topic " + std::to_string(number), "a gap");
}

static void push() {
    auto socket = open(zmq::socket_type::push, "PULL");
    for (int number = 0; number < 1000; number++)
        socket.send(zmq::message_t(std::to_string(number)), zmq::send_flags::none);
}

static void poll() {
    auto socket = open(zmq::socket_type::req, "ECHO");
    std::vector<zmq::pollitem_t> items{{socket, 0, ZMQ_POLLIN, 0}};
    expect(zmq::poll(items, std::chrono::milliseconds(10)) == 0, "ready without a reason");
    socket.send(zmq::str_buffer("poll"), zmq::send_flags::none);
    expect(zmq::poll(items, std::chrono::seconds(20)) == 1, "not ready");
    expect(receive(socket) == "poll", "another answer");
}

static void curve() {
    char public_key[41], secret_key[41];
    zmq_curve_keypair(public_key, secret_key);
    auto socket = open(zmq::socket_type::req, nullptr);
    socket.set(zmq::sockopt::curve_publickey, std::string(public_key));
    socket.set(zmq::sockopt::curve_secretkey, std::string(secret_key));
    socket.set(zmq::sockopt::curve_serverkey, std::string(std::getenv("CURVE_KEY")));
    socket.connect(std::getenv("CURVE_ECHO"));
    for (int number = 0; number < 100; number++)
        echo(socket, std::to_string(number));
}

static void monitor() {
    struct Monitor : zmq::monitor_t {
        bool connected = false;
        void on_event_handshake_succeeded(const zmq_event_t &, const char *) override { connected = true; }
    } events;
    auto socket = open(zmq::socket_type::req, nullptr);
    events.init(socket, "inproc://events");
    socket.connect(std::getenv("ECHO"));
    echo(socket, "monitored");
    while (!events.connected)
        expect(events.check_event(20000), "no event");
}

int main() {
    const std::pair<const char *, void (*)()> exchanges[] = {
        {"request_reply", request_reply}, {"one_mb", one_mb}, {"publish_subscribe", publish_subscribe},
        {"push", push}, {"poll", poll}, {"curve", curve}, {"monitor", monitor}};
    for (auto &[name, exchange] : exchanges) {
        try {
            exchange();
            std::cout << "ok " << name << std::endl;
        } catch (const std::exception &error) {
            std::cout << "not ok " << name << " " << error.what() << std::endl;
        }
    }
}
