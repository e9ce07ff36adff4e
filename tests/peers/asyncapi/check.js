// Reads an AsyncAPI document from its input and says what the parser of AsyncAPI finds: an array in JSON.
const { Parser } = require(process.argv[2]);

const text = require('fs').readFileSync(0, 'utf8');
new Parser().parse(text).then(({ document, diagnostics }) => {
  const found = diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path }));
  const operations = document ? document.allOperations().all().map((operation) => operation.id()) : [];
  console.log(JSON.stringify({ operations, found }));
});
