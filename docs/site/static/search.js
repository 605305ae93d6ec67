// The search of the site. It loads the text of all pages when somebody begins to type, from beside this file, and sends
// nothing anywhere.
"use strict";

const script = document.currentScript;
const form = document.querySelector("[role=search]");
const input = form.querySelector("input");
const list = form.querySelector("ol");
let sections;

// search-index.js calls it.
function found(all) {
  sections = all;
  show();
}

function load() {
  input.removeEventListener("focus", load);
  const index = document.createElement("script");
  index.src = new URL("search-index.js", script.src);
  document.head.append(index);
}

function count(text, word) {
  return text.toLowerCase().split(word).length - 1;
}

// score is 0 for a section that lacks a word. A word in a title is worth more than one in the text.
function score(section, words) {
  let sum = 0;
  for (const word of words) {
    const titles = 20 * count(section.heading, word) + 10 * count(section.title, word);
    const hits = titles + Math.min(count(section.text, word), 5);
    if (hits === 0) return 0;
    sum += hits;
  }
  return sum;
}

function excerpt(text, word) {
  const at = Math.max(text.toLowerCase().indexOf(word) - 40, 0);
  return (at > 0 ? "… " : "") + text.slice(at, at + 140).replace(/\s+/g, " ") + " …";
}

function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.replaceChildren();
  list.hidden = words.length === 0 || !sections;
  if (list.hidden) return;
  const hits = sections
    .map((section) => ({ section, score: score(section, words) }))
    .filter((hit) => hit.score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, 12);
  for (const { section } of hits) {
    const link = document.createElement("a");
    link.href = new URL(section.link, script.src);
    const name = document.createElement("b");
    name.textContent = section.heading ? section.title + " › " + section.heading : section.title;
    const text = document.createElement("span");
    text.textContent = excerpt(section.text, words[0]);
    link.append(name, text);
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  if (hits.length === 0) list.append("Nothing found");
}

input.addEventListener("focus", load);
input.addEventListener("input", show);
list.addEventListener("click", () => { list.hidden = true; });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = list.querySelector("a");
  if (first) first.click();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== input) {
    event.preventDefault();
    input.focus();
  }
});
