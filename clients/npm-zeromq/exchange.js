// Two processes of zeromq for node: exchange.js runs all exchanges; exchange.js NAME... is the peer of one.
const assert = require("assert")
const crypto = require("crypto")
const fs = require("fs")
const os = require("os")
const path = require("path")
const {spawn} = require("child_process")
const zmq = require("zeromq")

const TIMEOUT = 30000
const limits = {receiveTimeout: TIMEOUT, sendTimeout: TIMEOUT}

// A process on the other library, which runs the function of that name in `peers`.
function peer(name, ...parameters) {
  const child = spawn(process.env.second, [process.execPath, __filename, name, ...parameters], {stdio: "inherit"})
  return new Promise((resolve, reject) => {
    child.on("exit", status => (status === 0 ? resolve() : reject(new Error(`the peer ended with ${status}`))))
  })
}

const tcp = "tcp://127.0.0.1:*"
const ipc = () => `ipc://${path.join(fs.mkdtempSync(path.join(os.tmpdir(), "exchange-")), "endpoint")}`

async function requestReply(endpoint) {
  const server = new zmq.Reply(limits)
  await server.bind(endpoint)
  const ended = peer("requestReply", server.lastEndpoint)
  for (let number = 0; number < 1000; number++) {
    assert.equal((await server.receive()).toString(), `${number}`)
    await server.send(["reply", `${number}`])
  }
  await ended
  server.close()
}

const exchanges = {
  request_reply: () => requestReply(tcp),
  request_reply_ipc: () => requestReply(ipc()),

  async publish_subscribe() {
    const publisher = new zmq.XPublisher({...limits, sendHighWaterMark: 0})
    await publisher.bind(tcp)
    const ended = peer("publishSubscribe", publisher.lastEndpoint)
    assert.equal((await publisher.receive())[0].toString(), "\x01topic")
    for (let number = 0; number < 10000; number++) {
      await publisher.send([number % 2 ? "topic" : "other", `${number}`])
    }
    assert.equal((await publisher.receive())[0].toString(), "\x00topic")
    await ended
    publisher.close()
  },

  async one_mb() {
    const server = new zmq.Reply(limits)
    await server.bind(tcp)
    const ended = peer("oneMb", server.lastEndpoint)
    for (let number = 0; number < 20; number++) {
      const [body] = await server.receive()
      assert.equal(body.length, 1000000 + number)
      await server.send(crypto.createHash("sha256").update(body).digest())
    }
    await ended
    server.close()
  },

  async curve() {
    const {publicKey, secretKey} = zmq.curveKeyPair()
    const server = new zmq.Pull({receiveTimeout: TIMEOUT, curveServer: true, curveSecretKey: secretKey})
    await server.bind(tcp)
    const ended = peer("curve", server.lastEndpoint, publicKey)
    for (let number = 0; number < 1000; number++) {
      assert.equal((await server.receive())[0].toString(), `${number}`)
    }
    await ended
    server.close()
  },

  // PLAIN: one password is refused, the other has its user id.
  async zap() {
    const handler = new zmq.Router({linger: 0})
    await handler.bind("inproc://zeromq.zap.01")
    let served = 0
    const serve = (async () => {
      while (served < 2) {
        const [identity, , version, id, , , , mechanism, user, password] = await handler.receive()
        assert.equal(mechanism.toString(), "PLAIN")
        const right = password.toString() === "right"
        served += right ? 2 : 0
        await handler.send([identity, "", version, id, right ? "200" : "400", "", right ? user : "", ""])
      }
    })()
    const server = new zmq.Pull({receiveTimeout: TIMEOUT, plainServer: true, zapDomain: "domain"})
    await server.bind(tcp)
    const ended = peer("zap", server.lastEndpoint)
    assert.equal((await server.receive())[0].toString(), "right")
    await Promise.all([serve, ended])
    server.close()
    handler.close()
  },

  async monitor() {
    const server = new zmq.Reply(limits)
    await server.bind(tcp)
    const ended = peer("monitor", server.lastEndpoint)
    const seen = []
    const events = (async () => {
      for await (const event of server.events) {
        seen.push(event.type)
        if (event.type === "disconnect") break
      }
    })()
    await server.receive()
    await server.send("hello")
    await Promise.all([ended, events])
    assert.deepEqual(seen, ["accept", "handshake", "disconnect"])
    server.close()
  },

  async many_at_once() {
    const server = new zmq.Router(limits)
    await server.bind(tcp)
    const ended = peer("manyAtOnce", server.lastEndpoint)
    for (let number = 0; number < 1000; number++) {
      const [identity, body] = await server.receive()
      await server.send([identity, body])
    }
    await ended
    server.close()
  },
}

const peers = {
  async requestReply(endpoint) {
    const client = new zmq.Request(limits)
    client.connect(endpoint)
    for (let number = 0; number < 1000; number++) {
      await client.send(`${number}`)
      assert.deepEqual((await client.receive()).map(String), ["reply", `${number}`])
    }
  },

  async publishSubscribe(endpoint) {
    const subscriber = new zmq.Subscriber({receiveHighWaterMark: 0, receiveTimeout: TIMEOUT})
    subscriber.connect(endpoint)
    subscriber.subscribe("topic")
    for (let number = 1; number < 10000; number += 2) {
      assert.deepEqual((await subscriber.receive()).map(String), ["topic", `${number}`])
    }
    subscriber.unsubscribe("topic")
  },

  async oneMb(endpoint) {
    const client = new zmq.Request(limits)
    client.connect(endpoint)
    for (let number = 0; number < 20; number++) {
      const body = crypto.randomBytes(1000000 + number)
      await client.send(body)
      assert.deepEqual((await client.receive())[0], crypto.createHash("sha256").update(body).digest())
    }
  },

  async curve(endpoint, serverKey) {
    const {publicKey, secretKey} = zmq.curveKeyPair()
    const client = new zmq.Push({
      sendTimeout: TIMEOUT,
      curvePublicKey: publicKey,
      curveSecretKey: secretKey,
      curveServerKey: serverKey,
    })
    client.connect(endpoint)
    for (let number = 0; number < 1000; number++) await client.send(`${number}`)
  },

  async zap(endpoint) {
    for (const password of ["wrong", "right"]) {
      const client = new zmq.Push({
        sendTimeout: TIMEOUT,
        linger: password === "right" ? 5000 : 0,
        plainUsername: "user",
        plainPassword: password,
      })
      client.connect(endpoint)
      for await (const event of client.events) {
        if (!event.type.startsWith("handshake")) continue
        // PLAIN's ERROR is unknown to libzmq's clients when it is spelt as in the specification: clients/README.md.
        assert.match(event.type, password === "right" ? /^handshake$/ : /^handshake:error:(auth|protocol)$/)
        break
      }
      if (password === "right") await client.send(password)
      client.close()
    }
  },

  async monitor(endpoint) {
    const client = new zmq.Request(limits)
    const seen = []
    const events = (async () => {
      for await (const event of client.events) {
        seen.push(event.type)
        if (event.type === "handshake") break
      }
    })()
    client.connect(endpoint)
    await client.send("hello")
    await client.receive()
    await events
    assert.deepEqual(seen, ["connect:delay", "connect", "handshake"])
  },

  async manyAtOnce(endpoint) {
    const ask = async number => {
      const client = new zmq.Dealer(limits)
      client.connect(endpoint)
      for (let turn = 0; turn < 100; turn++) {
        await client.send(`${number} ${turn}`)
        assert.equal((await client.receive())[0].toString(), `${number} ${turn}`)
      }
    }
    await Promise.all([...Array(10).keys()].map(ask))
  },
}

async function main() {
  const [name, ...parameters] = process.argv.slice(2)
  if (name) return await peers[name](...parameters)
  for (const [name, exchange] of Object.entries(exchanges)) {
    try {
      await exchange()
      console.log("ok", name)
    } catch (error) {
      console.log("not ok", name, error)
    }
  }
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
}).finally(() => {
  // What an exchange that failed left open would keep the process alive.
  if (!process.argv[2]) process.exit()
})
