// Loaded before a server that would listen on every interface: makes it listen on the loopback one.
const { Server } = require("node:net");

const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  const told = rest.find((argument) => typeof argument === "function");
  return listen.call(this, { host: "127.0.0.1", port }, told);
};
