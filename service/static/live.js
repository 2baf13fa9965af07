// Keeps a job's page up to date: progress as it streams, everything else by asking the server for the page again.
"use strict";

const job = document.querySelector("[data-events]");

async function redraw() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  // Sent on to the login page: the browser has to go there itself.
  if (answer.redirected) return location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (next && next.innerHTML !== part.innerHTML) part.innerHTML = next.innerHTML;
  }
}

// Several events often come at once: one redraw for all of them.
let asked = null;
function redrawSoon() {
  if (asked === null) {
    asked = setTimeout(() => { asked = null; redraw(); }, 300);
  }
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function showProgress(progress) {
  const bar = document.querySelector("progress[data-progress]");
  if (!bar) return redrawSoon();
  bar.value = progress.fraction ?? 0;
  const percent = document.querySelector("[data-percent]");
  if (percent) percent.textContent = `${Math.round(100 * (progress.fraction ?? 0))} %`;
  const where = document.querySelector("[data-where]");
  if (where && progress.level !== undefined && progress.level !== null) {
    const branch = progress.branch ? `replicate ${progress.replicate}, ${progress.branch}, ` : "";
    where.textContent = `${branch}level ${progress.level} of ${progress.levels_total ?? "?"}`;
  }
  const left = document.querySelector("[data-left]");
  if (left) left.textContent = progress.eta?.available ? `${duration(progress.eta.seconds_remaining)} left` : "";
}

function listen(types) {
  const stream = new EventSource(job.dataset.events);
  for (const type of types) stream.addEventListener(type, redrawSoon);
  for (const type of ["job.succeeded", "job.failed", "job.cancelled"]) {
    stream.addEventListener(type, () => stream.close());
  }
  // Given up, not merely interrupted: the job is over, or the login is.
  stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) redrawSoon(); });
  stream.addEventListener("progress", (message) => showProgress(JSON.parse(message.data)));
}

if (job && job.dataset.done === "false") {
  listen(job.dataset.types.split(" "));
} else if (document.querySelector("[data-poll]")) {
  setInterval(() => { if (!document.hidden) redraw(); }, 3000);
}
