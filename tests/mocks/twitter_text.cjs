// Counts posts as X's own twitter-text does: JSON strings come in, one a line; their lengths go out, null where it fails.
const { createRequire } = require("node:module");
const { createInterface } = require("node:readline");
const { join } = require("node:path");

const official = createRequire(join(process.argv[2], "package.json"))("twitter-text");

function length(text) {
  try {
    return official.parseTweet(text).weightedLength;
  } catch {
    // It stopped in the middle of a text, and would begin the next one there; a dot sets it back.
    official.parseTweet(".");
    return null;
  }
}

const lengths = [];
createInterface({ input: process.stdin, terminal: false })
  .on("line", (line) => lengths.push(JSON.stringify(length(JSON.parse(line)))))
  .on("close", () => process.stdout.write(lengths.join("\n") + "\n"));
