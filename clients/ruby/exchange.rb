require "ffi-rzmq"

CONTEXT = ZMQ::Context.new

def open_socket(kind, endpoint, options = {})
  socket = CONTEXT.socket(kind)
  options.merge(ZMQ::RCVTIMEO => 20_000, ZMQ::SNDTIMEO => 20_000, ZMQ::LINGER => 5000).each do |option, value|
    raise ZMQ::Util.error_string unless ZMQ::Util.resultcode_ok?(socket.setsockopt(option, value))
  end
  raise ZMQ::Util.error_string unless ZMQ::Util.resultcode_ok?(socket.connect(endpoint))
  socket
end

def receive(socket)
  parts = []
  raise ZMQ::Util.error_string unless ZMQ::Util.resultcode_ok?(socket.recv_strings(parts))
  parts
end

def echo(socket, parts)
  socket.send_strings(parts)
  raise "another answer" unless receive(socket) == parts
end

exchanges = {
  request_reply: lambda {
    socket = open_socket(ZMQ::REQ, ENV["ECHO"])
    1000.times { |number| echo(socket, ["part", number.to_s]) }
    socket.close
  },
  one_mb: lambda {
    socket = open_socket(ZMQ::REQ, ENV["ECHO"])
    10.times { |number| echo(socket, ["x" * (1_000_000 + number)]) }
    socket.close
  },
  publish_subscribe: lambda {
    socket = open_socket(ZMQ::SUB, ENV["PUBLISH"], ZMQ::SUBSCRIBE => "topic")
    1000.times { |number| raise "a gap" unless receive(socket) == ["topic #{number}"] }
    socket.close
  },
  push: lambda {
    socket = open_socket(ZMQ::PUSH, ENV["PULL"])
    1000.times { |number| socket.send_string(number.to_s) }
    socket.close
  },
  poll: lambda {
    socket = open_socket(ZMQ::REQ, ENV["ECHO"])
    poller = ZMQ::Poller.new
    poller.register_readable(socket)
    raise "ready without a reason" unless poller.poll(10).zero?
    socket.send_string("poll")
    raise "not ready" unless poller.poll(20_000) == 1
    raise "another answer" unless receive(socket) == ["poll"]
    socket.close
  },
  curve: lambda {
    keys = ZMQ::Util.curve_keypair
    socket = open_socket(ZMQ::REQ, ENV["CURVE_ECHO"], ZMQ::CURVE_PUBLICKEY => keys[0],
                         ZMQ::CURVE_SECRETKEY => keys[1], ZMQ::CURVE_SERVERKEY => ENV["CURVE_KEY"])
    100.times { |number| echo(socket, [number.to_s]) }
    socket.close
  }
}
exchanges.each do |name, exchange|
  exchange.call
  puts "ok #{name}"
rescue StandardError => e
  puts "not ok #{name} #{e.full_message}"
end
CONTEXT.terminate
