// Reads the header lb-trace: which attempts a request took. A structured field list (RFC 9651 §3.1) of strings
// with parameters, and no more of that RFC than lb sends. Reads only; what an attempt means is told elsewhere.

const NAME = /\s*"((?:[^"\\]|\\["\\])*)"/y;
const PARAMETER = / *; *([a-z*][a-z0-9_.*-]*)(?:=("(?:[^"\\]|\\["\\])*"|[^\s;,"]+))?/y;
const COMMA = /[ \t]*,[ \t]*/y;

/**
 * @param {string | null} header
 * @returns {Attempt[] | null} the attempts in the order they were made; null if the header is not there or not understood
 */
export function attemptsOf(header) {
  if (!header) return null;
  const attempts = [];
  let at = 0;
  const next = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found) at = pattern.lastIndex;
    return found;
  };
  do {
    const name = next(NAME);
    if (!name) return null;
    const said = {};
    for (let parameter = next(PARAMETER); parameter; parameter = next(PARAMETER)) said[parameter[1]] = parameter[2];
    attempts.push({
      server: name[1].replace(/\\(.)/g, "$1"),
      status: /^\d{3}$/.test(said.status ?? "") ? Number(said.status) : null,
      failure: said.failure ?? "",
      us: /^\d+$/.test(said.us ?? "") ? Number(said.us) : null,
    });
  } while (next(COMMA));
  return header.slice(at).trim() === "" ? attempts : null;
}
