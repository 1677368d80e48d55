// Prints the status that inspecjs (Heimdall's own reader) gives each control of an HDF file.
// node hdf.cjs NODE_MODULES FILE
const fs = require("node:fs");
const path = require("node:path");

const [modules, file] = process.argv.slice(2);
const inspecjs = require(path.join(modules, "inspecjs"));
const read = inspecjs.convertFile(fs.readFileSync(file, "utf8"), true);
const report = read["1_0_ExecJson"];
if (!report) {
  console.error("no execution of InSpec: " + JSON.stringify(read.errors));
  process.exit(1);
}
const said = {};
for (const profile of inspecjs.contextualizeEvaluation(report).contains) {
  for (const control of profile.contains) said[control.data.id] = control.hdf.status;
}
console.log(JSON.stringify(said));
