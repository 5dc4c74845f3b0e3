// The same chat on Node: ws and pg, a room per path. A message is a row, committed before it is sent to everybody.
const { WebSocketServer } = require("ws");
const { Pool } = require("pg");

const pool = new Pool({ host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE, max: 8 });
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT), perMessageDeflate: false });

pool.query("CREATE TABLE IF NOT EXISTS node_chat (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), text text)");
const rooms = new Map();
server.on("connection", (socket, request) => {
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.on("close", () => room.delete(socket));
  socket.on("message", async (data) => {
    const { message } = JSON.parse(data);
    await pool.query({ name: "keep", text: "INSERT INTO node_chat (text) VALUES ($1)", values: [message] });
    const frame = Buffer.from(JSON.stringify({ message }));
    for (const client of room) client.send(frame, { binary: false });
  });
});
