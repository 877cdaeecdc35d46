import java.util.Arrays;
import java.util.Random;
import org.zeromq.ZMQ;

public class Exchange {
    static final ZMQ.Context context = ZMQ.context(1);

    static ZMQ.Socket open(int kind, String endpoint) {
        ZMQ.Socket socket = context.socket(kind);
        socket.setReceiveTimeOut(20000);
        socket.setSendTimeOut(20000);
        socket.setLinger(5000);
        socket.connect(System.getenv(endpoint));
        return socket;
    }

    static void expect(boolean right, Object got) {
        if (!right) throw new AssertionError("got " + got);
    }

    static void requestReply() {
        ZMQ.Socket socket = open(ZMQ.REQ, "ECHO");
        for (int number = 0; number < 1000; number++) {
            socket.sendMore("part");
            socket.send(String.valueOf(number));
            expect(socket.recvStr().equals("part") && socket.hasReceiveMore(), "no part");
            String second = socket.recvStr();
            expect(second.equals(String.valueOf(number)), second);
        }
        socket.close();
    }

    static void oneMb() {
        ZMQ.Socket socket = open(ZMQ.REQ, "ECHO");
        for (int number = 0; number < 10; number++) {
            byte[] body = new byte[1_000_000 + number];
            new Random(number).nextBytes(body);
            socket.send(body, 0);
            expect(Arrays.equals(socket.recv(0), body), "another answer");
        }
        socket.close();
    }

    static void publishSubscribe() {
        ZMQ.Socket socket = open(ZMQ.SUB, "PUBLISH");
        socket.subscribe("topic".getBytes());
        for (int number = 0; number < 1000; number++) {
            String text = socket.recvStr();
            expect(("topic " + number).equals(text), text);
        }
        socket.close();
    }

    static void push() {
        ZMQ.Socket socket = open(ZMQ.PUSH, "PULL");
        for (int number = 0; number < 1000; number++) socket.send(String.valueOf(number));
        socket.close();
    }

    static void poll() {
        ZMQ.Socket socket = open(ZMQ.REQ, "ECHO");
        ZMQ.Poller poller = new ZMQ.Poller(1);
        poller.register(socket, ZMQ.Poller.POLLIN);
        expect(poller.poll(10) == 0, "ready without a reason");
        socket.send("poll");
        expect(poller.poll(20000) == 1 && poller.pollin(0), "not ready");
        expect("poll".equals(socket.recvStr()), "another answer");
        socket.close();
    }

    static void run(String name, Runnable exchange) {
        try {
            exchange.run();
            System.out.println("ok " + name);
        } catch (Throwable error) {
            System.out.println("not ok " + name + " " + error);
        }
    }

    public static void main(String[] arguments) {
        run("request_reply", Exchange::requestReply);
        run("one_mb", Exchange::oneMb);
        run("publish_subscribe", Exchange::publishSubscribe);
        run("push", Exchange::push);
        run("poll", Exchange::poll);
        context.term();
    }
}
