// Reads Server-Sent Events through fetch, since EventSource can send no header fields: no token, and no id of the last
// event to a server that was never asked before. It reads one stream to its end and does not connect anew: when and how
// often is for the caller to say. The format is that of the HTML standard (9.2.6); `retry` is not heeded.

const STREAM = "text/event-stream";

/**
 * @typedef {{ data: string, lastEventId: string }} Said what was said, and the id of the last event that had one
 * @typedef {{ status: number | null, error: string }} EndOfStream the answer's status, null if there was none at all; why it
 *   ended, in words for a log
 */

/**
 * @param {string} url
 * @param {{ lastEventId?: string, token?: string, on: Record<string, (said: Said) => void>,
 *   onEnd?: (end: EndOfStream) => void }} how `on` by the event's name; those of other names are dropped. `onEnd` is called once, and not
 *   after `close`
 * @returns {{ close: () => void }}
 */
export function open(url, { lastEventId = "", token = "", on, onEnd = () => {} }) {
  const abort = new AbortController();
  let isOpen = true;

  function end(status, error) {
    if (!isOpen) return;
    isOpen = false;
    onEnd({ status, error });
  }

  async function read() {
    let status = null;
    try {
      const headers = { accept: STREAM };
      if (token) headers.authorization = `Bearer ${token}`;
      if (lastEventId) headers["last-event-id"] = lastEventId;
      const response = await fetch(url, { headers, cache: "no-store", signal: abort.signal });
      status = response.status;
      const type = response.headers.get("content-type") ?? "";
      if (status !== 200 || !type.startsWith(STREAM)) {
        abort.abort();
        return end(status, status === 200 ? `it is ${type || "of no type"}, not ${STREAM}` : `answered ${status}`);
      }
      const parse = createParser(lastEventId, (name, said) => {
        if (!isOpen || !Object.hasOwn(on, name)) return;
        try {
          on[name](said);
        } catch (error) {
          // As EventSource does: whoever cannot bear what was said does not end the stream for the others.
          reportError(error);
        }
      });
      // The decoder of the stream drops a byte order mark and holds back a character that is cut in two.
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) parse(part.value);
      end(status, "it ended");
    } catch (error) {
      abort.abort();
      end(status, String(error));
    }
  }

  read();
  return {
    close() {
      isOpen = false;
      abort.abort();
    },
  };
}

/**
 * Turns text, cut anywhere, into events.
 * @param {string} lastEventId @param {(name: string, said: Said) => void} say
 * @returns {(text: string) => void}
 */
export function createParser(lastEventId, say) {
  let rest = "";
  let name = "";
  let data = [];
  let id = lastEventId;

  function take(line) {
    if (line === "") {
      if (data.length > 0) say(name || "message", { data: data.join("\n"), lastEventId: id });
      name = "";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    // A comment keeps the connection alive and says nothing.
    if (colon === 0) return;
    const key = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (key === "event") name = value;
    else if (key === "data") data.push(value);
    else if (key === "id" && !value.includes("\0")) id = value;
  }

  return (text) => {
    rest += text;
    // A CR at the very end may be half of a CR LF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) take(line);
  };
}
