// The chat with receipts, in several processes behind one port, Redis between them. Message and receipt are a row each,
// committed before anybody hears of it: those here at once, those of other processes by Redis.
const cluster = require("node:cluster");

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on("listening", () => ++listening === Number(process.env.PROCESSES) && console.log("ready"));
  const { Pool } = require("pg");
  const pool = new Pool({ max: 1 });
  const tables =
    "CREATE TABLE IF NOT EXISTS node_asked (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), text text);" +
    "CREATE TABLE IF NOT EXISTS node_receipt (message bigint, at timestamptz DEFAULT now(), by text)";
  pool.query(tables).then(() => pool.end()).then(() => {
    for (let number = 0; number < Number(process.env.PROCESSES); number++) cluster.fork();
  });
} else {
  work();
}

async function work() {
  const { WebSocketServer } = require("ws");
  const { Pool } = require("pg");
  const { createClient } = require("redis");
  const pool = new Pool({ max: 8 });
  const tell = createClient({ url: process.env.REDIS_URL });
  const hear = tell.duplicate();
  await Promise.all([tell.connect(), hear.connect()]);
  const rooms = new Map();
  const own = `${process.pid} `;

  function spread(room, text) {
    const frame = Buffer.from(text);
    for (const client of rooms.get(room) ?? []) client.send(frame, { binary: false });
  }

  function send(room, text) {
    spread(room, text);
    tell.publish(room, own + text);
  }

  function heard(told, room) {
    if (!told.startsWith(own)) spread(room, told.slice(told.indexOf(" ") + 1));
  }

  const hearing = new Map();
  function enter({ req }, done) {
    const [room] = req.url.split("?");
    if (!hearing.has(room)) hearing.set(room, hear.subscribe(room, heard));
    hearing.get(room).then(() => done(true), () => done(false, 503));
  }

  const port = Number(process.env.PORT);
  const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false, verifyClient: enter });
  server.on("connection", (socket, request) => {
    const [room, member] = request.url.split("?");
    if (!rooms.has(room)) rooms.set(room, new Set());
    rooms.get(room).add(socket);
    socket.on("close", () => rooms.get(room).delete(socket));
    socket.on("message", async (data) => {
      const { message, acknowledge } = JSON.parse(data);
      if (acknowledge) {
        const values = [acknowledge, member];
        await pool.query({ name: "give", text: "INSERT INTO node_receipt (message, by) VALUES ($1, $2)", values });
        send(room, `{"receipt":${acknowledge}}`);
        socket.send(`{"acknowledged":${acknowledge}}`);
        return;
      }
      const text = "INSERT INTO node_asked (text) VALUES ($1) RETURNING id";
      const { rows } = await pool.query({ name: "ask", text, values: [message] });
      send(room, `{"id":${rows[0].id},"message":${JSON.stringify(message)}}`);
    });
  });
}
