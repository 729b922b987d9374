// Six Express servers with one handler, and a control server that tells what reached it.
// Prints one line: the ports. Ends when stdin does.
import http from "node:http";
import express4 from "express4";
import express5 from "express5";

const hits = [];

function handler(server) {
  return (request, response) => {
    hits.push({
      server,
      id: request.params.lineItemID,
      authorization: request.headers.authorization ?? null,
      body: request.body ?? null,
    });
    response.status(204).end();
  };
}

function routed(express, shape, server) {
  const app = express();
  app.use(express.json());
  const handle = handler(server);
  if (shape === "app") {
    app.post("/api/lineitems/:lineItemID/scores", handle);
    return app;
  }
  const router = express.Router();
  if (shape === "api") {
    router.post("/lineitems/:lineItemID/scores", handle);
    app.use("/api", router);
  } else {
    router.post("/:lineItemID/scores", handle);
    app.use("/api/lineitems", router);
  }
  return app;
}

// Errors are quiet: thousands of requests are meant to fail.
function quiet(app) {
  app.use((error, request, response, next) => {
    response.status(error.status ?? 500).end();
  });
  return app;
}

function listen(listener) {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, listener);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });
}

const servers = [];
for (const express of [express4, express5]) {
  for (const shape of ["app", "api", "lineitems"]) {
    const server = servers.length;
    servers.push(await listen(quiet(routed(express, shape, server))));
  }
}

// GET answers with what has come since the last one.
const control = await listen((request, response) => {
  const taken = hits.splice(0);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(taken));
});

console.log(JSON.stringify({ servers, control }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
