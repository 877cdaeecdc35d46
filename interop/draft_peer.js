// One end of a conversation of draft_peer.c, under zeromq of npm (with the libzmq inside of it).
//     node draft_peer.js bind|connect TYPE ENDPOINT
const [role, type, endpoint] = process.argv.slice(2)
process.removeAllListeners("warning")
process.on("warning", () => {})
const { Server, Client, Radio, Dish, Gather, Scatter } = require("zeromq/draft")
const SIZES = [0, 1, 100, 255, 256, 1000, 70000, 1000000]
const GROUPS = ["", "short", "a group with a name that is longer than a message holds"]

const body = n => Buffer.alloc(SIZES[n], 97 + n)
function check(got, n, what) {
    if (!got.equals(body(n))) throw new Error(`${what}: ${got.length} bytes, expected ${SIZES[n]}`)
}
const conversations = {
    async CLIENT(socket) {
        for (let n = 0; n < SIZES.length; n++) {
            await socket.send(body(n))
            check((await socket.receive())[0], n, "the answer")
        }
    },
    async SERVER(socket) {
        for (let n = 0; n < SIZES.length; n++) {
            const [message, { routingId }] = await socket.receive()
            check(message, n, "the request")
            await socket.send(message, { routingId })
        }
    },
    async SCATTER(socket) {
        for (let n = 0; n < SIZES.length; n++) await socket.send(body(n))
    },
    async GATHER(socket) {
        for (let n = 0; n < SIZES.length; n++) check((await socket.receive())[0], n, "the message")
    },
    // Sends until it is ended: who listens says when it has all.
    async RADIO(socket) {
        for (;;) {
            for (const group of [...GROUPS, "nobody's"]) await socket.send(group, { group })
            await new Promise(done => setTimeout(done, 10))
        }
    },
    async DISH(socket) {
        const missing = new Set(GROUPS)
        while (missing.size > 0) {
            const [message, { group }] = await socket.receive()
            if (!GROUPS.includes(String(group)) || String(message) !== String(group))
                throw new Error(`"${message}" came to the group "${group}"`)
            missing.delete(String(group))
        }
    },
}
const types = { SERVER: Server, CLIENT: Client, RADIO: Radio, DISH: Dish, GATHER: Gather, SCATTER: Scatter }

async function main() {
    const socket = new types[type]({ linger: 15000 })
    if (type !== "RADIO") socket.sendTimeout = socket.receiveTimeout = 15000
    if (type === "DISH") socket.join(...GROUPS)
    if (role === "bind") {
        await socket.bind(endpoint)
        console.log(socket.lastEndpoint)
    } else {
        socket.connect(endpoint)
    }
    await conversations[type](socket)
    socket.close()
}
main().catch(error => {
    console.log(`${type} of npm (${role}): ${error.stack}`)
    process.exit(1)
})
