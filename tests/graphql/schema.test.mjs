import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";

import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  validateSchema,
} from "graphql";

import { BINARY, CONFIG, Server, must } from "./support.mjs";

const server = await Server.start();

const printed = await promisify(execFile)(BINARY, ["config", "graphql", CONFIG], { maxBuffer: 1 << 24 });
const text = (schema) => printSchema(lexicographicSortSchema(schema));

test("the printed schema has no errors", () => {
  assert.deepEqual(validateSchema(buildSchema(printed.stdout)), []);
});

// Tools ask for more or less of the schema: each way of asking must do.
const ways = {
  "as tools ask that know the newest of the specification": {
    descriptions: true,
    schemaDescription: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    inputValueDeprecation: true,
  },
  "as tools ask by default": {},
};

for (const [way, options] of Object.entries(ways)) {
  test(`introspection has no errors, ${way}`, async () => {
    const told = buildClientSchema(await must(server, getIntrospectionQuery(options)));
    assert.deepEqual(validateSchema(told), []);
  });
}

test("introspection tells the very schema that is printed", async () => {
  const all = ways["as tools ask that know the newest of the specification"];
  const told = buildClientSchema(await must(server, getIntrospectionQuery(all)));
  assert.equal(text(told), text(buildSchema(printed.stdout)));
});

test("descriptions and enums of the JSON Schema are in the GraphQL schema", () => {
  const schema = buildSchema(printed.stdout);
  assert.match(schema.getType("Product").description, /Something that is sold\./);
  const data = schema.getType("ProductData").getFields();
  assert.equal(data.name.description, "As customers read it.");
  assert.equal(String(data.name.type), "String!");
  const values = data.status.type.ofType.getValues().map((value) => value.name);
  assert.deepEqual(values.sort(), ["draft", "on_sale", "sold_out"]);
  // What the schema closes comes in typed, what it leaves open as JSON.
  const mutations = schema.getMutationType().getFields();
  const input = (field) => String(mutations[field].args.find((it) => it.name === "data").type);
  assert.equal(input("replaceProduct"), "ProductInput!");
  assert.equal(input("replaceCustomer"), "JSON!");
  assert.equal(input("replaceNote"), "JSON!");
});
