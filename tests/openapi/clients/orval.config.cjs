// Its client for fetch knows the server's address from here alone.
module.exports = {
  notes: {
    input: { target: "./made/openapi.json" },
    output: { target: "./made/orval.ts", client: "fetch", baseUrl: process.env.DETENTE_URL },
  },
};
