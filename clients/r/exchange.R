library(pbdZMQ, warn.conflicts = FALSE)

context <- zmq.ctx.new()

open.socket <- function(kind, endpoint, subscribe = NULL) {
    socket <- zmq.socket(context, kind)
    zmq.setsockopt(socket, ZMQ.SO()$RCVTIMEO, 20000L)
    zmq.setsockopt(socket, ZMQ.SO()$SNDTIMEO, 20000L)
    zmq.setsockopt(socket, ZMQ.SO()$LINGER, 5000L)
    if (!is.null(subscribe)) zmq.setsockopt(socket, ZMQ.SO()$SUBSCRIBE, subscribe)
    zmq.connect(socket, endpoint)
    socket
}

request_reply <- function() {
    socket <- open.socket(ZMQ.ST()$REQ, Sys.getenv("ECHO"))
    for (number in 0:999) {
        send.socket(socket, list("object", number))
        stopifnot(identical(receive.socket(socket), list("object", number)))
    }
    zmq.close(socket)
}

one_mb <- function() {
    socket <- open.socket(ZMQ.ST()$REQ, Sys.getenv("ECHO"))
    for (number in 1:5) {
        body <- as.raw(sample(0:255, 1000000 + number, replace = TRUE))
        zmq.send(socket, body)
        stopifnot(identical(zmq.recv(socket, len = 2000000L, buf.type = "raw")$buf[seq_along(body)], body))
    }
    zmq.close(socket)
}

publish_subscribe <- function() {
    socket <- open.socket(ZMQ.ST()$SUB, Sys.getenv("PUBLISH"), "topic")
    for (number in 0:999) stopifnot(zmq.recv(socket)$buf == paste("topic", number))
    zmq.close(socket)
}

push <- function() {
    socket <- open.socket(ZMQ.ST()$PUSH, Sys.getenv("PULL"))
    for (number in 0:999) zmq.send(socket, as.character(number))
    zmq.close(socket)
}

for (name in c("request_reply", "one_mb", "publish_subscribe", "push")) {
    result <- try(get(name)())
    cat(if (inherits(result, "try-error")) "not ok" else "ok", name, "\n")
}
zmq.ctx.destroy(context)
