// Sends the token of a mailed link when its reader asks for it, and says what came of it.
const form = document.querySelector("form.link");
const outcome = document.querySelector("#outcome");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
// Out of the address and the history, where others might read it.
history.replaceState(null, "", location.pathname);

if (!token) {
  form.hidden = true;
  outcome.textContent = "This link is not complete. Open it again from the mail.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  outcome.textContent = "";
  try {
    const response = await fetch(form.dataset.call, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
    });
    if (response.ok) {
      form.hidden = true;
      outcome.textContent = form.dataset.done;
      return;
    }
    outcome.textContent = sentenceOf(await response.json());
  } catch {
    outcome.textContent = "The server does not answer. Try again in a moment.";
  }
  button.disabled = false;
});

/** What a refusal says (RFC 9457), and of which field. */
function sentenceOf({ detail, errors }) {
  return errors?.[0]?.message ?? detail ?? "That did not work. Try again.";
}
