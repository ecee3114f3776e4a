// SPDX-License-Identifier: MIT
// Shows the traces in #data. All of it is text from a log: it goes into the page as text nodes and
// canvas strokes only, never as markup.
"use strict";

const LANE = 26, AXIS = 18, LABEL = 64, MARK = 16, NEAR = 8;    // CSS pixels
const ZOOM = 1.6, ZOOM_MAX = 100000;

const data = JSON.parse(document.getElementById("data").textContent);

// make("p", {className: "x"}, "text", element...): an element.
function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
}

function microseconds(ticks, hz) {
    const us = ticks * 1e6 / hz;
    return us >= 1e5 ? `${(us / 1000).toFixed(1)} ms` : us >= 100 ? `${us.toFixed(0)} µs` : `${us.toFixed(2)} µs`;
}

class View {
    constructor(trace) {
        this.trace = trace;
        this.exits = [];            // of all cores, core by core
        trace.cores.forEach((core, lane) => core.rows.forEach(
            row => this.exits.push({...row, lane, core, color: data.colours[row.kind]})));
        const times = this.exits.map(exit => exit.t);
        this.begin = times.reduce((a, b) => Math.min(a, b), Infinity);
        this.end = times.reduce((a, b) => Math.max(a, b), -Infinity);
        if (!this.exits.length)
            this.begin = this.end = 0;
        this.zoom = 1;
        this.middle = (this.begin + this.end) / 2;
        this.hidden = new Set();    // kinds
        this.selected = -1;         // index into exits
        this.build();
    }

    build() {
        const trace = this.trace;
        this.canvas = make("canvas", {tabIndex: 0});
        this.canvas.setAttribute("role", "img");
        this.canvas.setAttribute("aria-label", `time line of ${this.exits.length} exits, a row for each core`);
        this.canvas.addEventListener("click", event => this.click(event));
        this.canvas.addEventListener("wheel", event => this.wheel(event), {passive: false});
        this.kinds = make("div", {className: "kinds"});
        this.list = make("ol", {className: "list", tabIndex: 0});
        this.list.setAttribute("role", "listbox");
        this.list.setAttribute("aria-label", "exits");
        this.detail = make("dl", {});
        this.detail.setAttribute("aria-live", "polite");
        const problems = trace.problems.map(text => make("li", {}, text));
        if (trace.lost)
            problems.push(make("li", {}, `${trace.lost} exits happened while an earlier export was being said`));
        this.section = make("section", {},
            make("h2", {}, `${trace.guest} on ${trace.on}`),
            make("p", {}, this.summary()));
        if (problems.length)
            this.section.append(make("ul", {className: "problems"}, ...problems));
        this.section.append(this.canvas, this.kinds,
            make("div", {className: "columns"}, this.list, this.detail));
        this.section.addEventListener("keydown", event => this.key(event));
        this.fillKinds();
        this.fillList();
        document.getElementById("main").append(this.section);
        new ResizeObserver(() => this.draw()).observe(this.canvas);
        this.select(this.exits.length ? 0 : -1);
    }

    summary() {
        const trace = this.trace, all = trace.cores.reduce((sum, core) => sum + core.exits, 0);
        return `${this.exits.length} of ${all} exits of life ${trace.life}, in ` +
            `${microseconds(this.end - this.begin, trace.hz)}; ${trace.file}` +
            (trace.isComplete ? "" : "; not complete");
    }

    fillKinds() {
        const counts = new Map();
        for (const exit of this.exits)
            counts.set(exit.kind, (counts.get(exit.kind) || 0) + 1);
        const most = Math.max(1, ...counts.values());
        for (const [kind, count] of [...counts].sort((a, b) => b[1] - a[1])) {
            const bar = make("span", {className: "bar"});
            bar.style.width = `${100 * count / most}%`;
            bar.style.background = data.colours[kind];
            const button = make("button", {type: "button", title: `show or hide ${kind}`},
                make("span", {}, kind), make("span", {className: "count"}, String(count)), bar);
            button.setAttribute("aria-pressed", "true");
            button.addEventListener("click", () => this.toggle(kind, button));
            this.kinds.append(button);
        }
    }

    fillList() {
        let lane = -1;
        this.exits.forEach((exit, index) => {
            if (exit.lane !== lane) {
                lane = exit.lane;
                this.list.append(make("li", {className: "core"},
                    `vCPU ${exit.core.vcpu} on core #${exit.core.core}, ${exit.core.rows.length} of ${exit.core.exits} exits`));
            }
            const item = make("li", {},
                make("span", {className: "number"}, String(exit.n)),
                make("span", {className: "number"}, microseconds(exit.t - this.begin, this.trace.hz)),
                make("span", {}, `${exit.kind} ${exit.asked || exit.rip}`));
            item.style.borderLeftColor = exit.color;
            item.setAttribute("role", "option");
            item.addEventListener("click", () => this.select(index));
            exit.item = item;
            this.list.append(item);
        });
    }

    toggle(kind, button) {
        if (!this.hidden.delete(kind))
            this.hidden.add(kind);
        button.setAttribute("aria-pressed", String(!this.hidden.has(kind)));
        for (const exit of this.exits)
            exit.item.hidden = this.hidden.has(exit.kind);
        for (const exit of this.exits)
            exit.item.style.display = exit.item.hidden ? "none" : "";
        this.draw();
    }

    // ------------------------------------------------------------ the time line

    scale() {
        const width = Math.max(1, this.canvas.clientWidth - LABEL - MARK);
        const ticks = Math.max(1, this.end - this.begin) / this.zoom;
        const left = Math.max(this.begin, Math.min(this.middle - ticks / 2, this.end - ticks));
        return {left, ticks, width};
    }

    x(time, {left, ticks, width} = this.scale()) {
        return LABEL + MARK / 2 + (time - left) / ticks * width;
    }

    y(lane) {
        return lane * LANE + LANE / 2;
    }

    draw() {
        const lanes = Math.max(1, this.trace.cores.length), height = lanes * LANE + AXIS;
        const ratio = window.devicePixelRatio || 1, width = this.canvas.clientWidth;
        this.canvas.style.height = `${height}px`;
        this.canvas.width = Math.max(1, Math.round(width * ratio));
        this.canvas.height = Math.round(height * ratio);
        const paint = this.canvas.getContext("2d"), scale = this.scale();
        paint.scale(ratio, ratio);
        paint.font = "11px system-ui, sans-serif";
        this.drawLanes(paint, width, scale);
        this.exits.forEach((exit, index) => {
            if (index !== this.selected)
                this.drawExit(paint, exit, scale, LANE - 10);
        });
        if (this.selected >= 0)
            this.drawExit(paint, this.exits[this.selected], scale, LANE);
    }

    drawLanes(paint, width, scale) {
        this.trace.cores.forEach((core, lane) => {
            paint.fillStyle = lane % 2 ? "#ffffff" : "#f7f7f5";
            paint.fillRect(0, lane * LANE, width, LANE);
            paint.fillStyle = "#5c5c5c";
            paint.fillText(`core #${core.core}`, 6, this.y(lane) + 4);
        });
        const base = Math.max(1, this.trace.cores.length) * LANE, hz = this.trace.hz;
        paint.fillStyle = "#5c5c5c";
        paint.fillText(microseconds(scale.left - this.begin, hz), LABEL, base + 13);
        paint.textAlign = "right";
        paint.fillText(microseconds(scale.left + scale.ticks - this.begin, hz), width - 4, base + 13);
        paint.textAlign = "left";
    }

    // As wide as it took us, and at least visible.
    drawExit(paint, exit, scale, height) {
        const x = this.x(exit.t, scale);
        if (this.hidden.has(exit.kind) || x < LABEL || x > LABEL + MARK + scale.width)
            return;
        const width = Math.max(2, (exit.ticks || 0) / scale.ticks * scale.width);
        paint.fillStyle = exit.color;
        paint.fillRect(x, this.y(exit.lane) - height / 2, width, height);
    }

    click(event) {
        const box = this.canvas.getBoundingClientRect();
        const x = event.clientX - box.left, lane = Math.floor((event.clientY - box.top) / LANE);
        const scale = this.scale();
        let best = -1, distance = NEAR;
        this.exits.forEach((exit, index) => {
            const away = Math.abs(this.x(exit.t, scale) - x);
            if (exit.lane === lane && !this.hidden.has(exit.kind) && away < distance) {
                best = index;
                distance = away;
            }
        });
        if (best >= 0)
            this.select(best);
    }

    wheel(event) {
        if (!event.ctrlKey)
            return;                 // the page scrolls
        event.preventDefault();
        const scale = this.scale(), x = event.clientX - this.canvas.getBoundingClientRect().left;
        this.magnify(event.deltaY < 0 ? ZOOM : 1 / ZOOM, scale.left + (x - LABEL) / scale.width * scale.ticks);
    }

    magnify(factor, middle) {
        this.zoom = Math.min(ZOOM_MAX, Math.max(1, factor ? this.zoom * factor : 1));
        this.middle = middle;
        this.draw();
    }

    // ------------------------------------------------------------ one exit

    select(index) {
        if (this.selected >= 0)
            this.exits[this.selected].item.setAttribute("aria-selected", "false");
        this.selected = index;
        this.fillDetail();
        if (index >= 0) {
            const exit = this.exits[index], scale = this.scale();
            exit.item.setAttribute("aria-selected", "true");
            const top = exit.item.offsetTop - this.list.offsetTop;
            if (top < this.list.scrollTop || top + exit.item.offsetHeight > this.list.scrollTop + this.list.clientHeight)
                this.list.scrollTop = top - this.list.clientHeight / 2;
            if (exit.t < scale.left || exit.t > scale.left + scale.ticks)
                this.middle = exit.t;
        }
        this.draw();
    }

    fillDetail() {
        this.detail.replaceChildren();
        const exit = this.exits[this.selected];
        if (!exit) {
            this.detail.append(make("dt", {}, "exit"), make("dd", {}, "none"));
            return;
        }
        const row = (name, ...text) => this.detail.append(make("dt", {}, name), make("dd", {}, ...text));
        const hz = this.trace.hz, back = this.previous(this.selected);
        row("exit", `${exit.n} of vCPU ${exit.core.vcpu}`);
        row("time", microseconds(exit.t - this.begin, hz) +
            (back ? `, ${microseconds(exit.t - back.t, hz)} after the one before` : ""));
        row("reason", `${exit.reason} `, make("code", {}, exit.code));
        row("kind", exit.kind + (exit.kindWords ? `: ${exit.kindWords}` : ""));
        row("RIP", make("code", {}, exit.rip));
        if (exit.registers) {
            row(this.trace.on === "SVM" ? "EXITINFO1" : "qualification", make("code", {}, exit.info), ` ${exit.infoWords}`);
            if (exit.asked)
                row("asked", exit.asked);
            row("took us", `${microseconds(exit.ticks, hz)} (${exit.ticks} ticks)`);
            row("registers", this.registers(exit));
        } else {
            row("registers", "not kept: the short ring has none. `trace = 256` in the guest's section of " +
                "bulkhead.conf makes it keep them");
        }
        row("verdict", exit.verdict + (exit.verdictWords ? `: ${exit.verdictWords}` : ""));
        row("our handler", exit.handler ? `${exit.handler}(), ` : "not found in the sources", make("code", {}, exit.place));
        row("manual", exit.manual);
    }

    registers(exit) {
        const rows = exit.registers.map(([name, was, now]) => make("tr", {className: was === now ? "same" : "changed"},
            make("td", {}, name), make("td", {}, was), make("td", {}, was === now ? "as it was" : `→ ${now}`)));
        return make("table", {}, make("tbody", {}, ...rows));
    }

    previous(index) {
        const back = this.exits[index - 1];
        return back && back.lane === this.exits[index].lane && back.n + 1 === this.exits[index].n ? back : null;
    }

    // The next visible exit in a direction for which `fits`.
    step(direction, fits) {
        for (let i = this.selected + direction; i >= 0 && i < this.exits.length; i += direction) {
            if (!this.hidden.has(this.exits[i].kind) && fits(this.exits[i])) {
                this.select(i);
                return;
            }
        }
    }

    key(event) {
        const now = this.exits[this.selected];
        if (!now || event.altKey || event.ctrlKey || event.metaKey)
            return;
        const lane = exit => exit.lane === now.lane, kind = exit => lane(exit) && exit.kind === now.kind;
        const first = where => this.exits.findIndex(exit => where(exit) && !this.hidden.has(exit.kind));
        const last = where => this.exits.findLastIndex(exit => where(exit) && !this.hidden.has(exit.kind));
        const go = index => index >= 0 && this.select(index);
        const keys = {
            ArrowDown: () => this.step(1, lane), ArrowUp: () => this.step(-1, lane),
            ArrowRight: () => this.step(1, kind), ArrowLeft: () => this.step(-1, kind),
            Home: () => go(first(lane)), End: () => go(last(lane)),
            "]": () => go(first(exit => exit.lane > now.lane)), "[": () => go(last(exit => exit.lane < now.lane)),
            "+": () => this.magnify(ZOOM, now.t), "-": () => this.magnify(1 / ZOOM, now.t), "0": () => this.magnify(0, now.t),
        };
        if (!Object.hasOwn(keys, event.key))
            return;
        event.preventDefault();
        keys[event.key]();
    }
}

// With #check behind its address the page tries itself, and says what it found: for tests.
function check(views) {
    const wrong = [];
    const expect = (is, what) => is || wrong.push(what);
    const shown = view => view.detail.querySelector("dd").textContent;
    const press = (view, key) => view.list.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    const pixel = (view, exit) => {
        const ratio = window.devicePixelRatio || 1;
        const at = view.canvas.getContext("2d").getImageData(
            Math.floor((view.x(exit.t) + 1) * ratio), Math.floor(view.y(exit.lane) * ratio), 1, 1).data;
        return "#" + [...at].slice(0, 3).map(byte => byte.toString(16).padStart(2, "0")).join("");
    };
    const hit = (view, exit) => {
        const box = view.canvas.getBoundingClientRect();
        view.canvas.dispatchEvent(new MouseEvent("click",
            {clientX: box.left + view.x(exit.t), clientY: box.top + view.y(exit.lane), bubbles: true}));
    };
    views.forEach((view, number) => {
        const counts = [...view.kinds.querySelectorAll(".count")].reduce((sum, count) => sum + Number(count.textContent), 0);
        expect(counts === view.exits.length, `histogram ${number}: ${counts} of ${view.exits.length}`);
        if (!view.exits.length)
            return;
        const first = view.exits[0], last = view.exits[view.exits.length - 1];
        for (const exit of [first, last]) {
            view.select(view.exits.indexOf(exit));
            expect(pixel(view, exit) === exit.color, `time line ${number}: ${pixel(view, exit)} is not ${exit.color}`);
        }
        hit(view, first);
        expect(view.exits[view.selected].lane === 0 && Math.abs(view.x(view.exits[view.selected].t) - view.x(first.t)) < NEAR,
            `click ${number}: ${shown(view)}`);
        press(view, "Home");
        expect(shown(view).startsWith(`${first.n} of`), `Home ${number}: ${shown(view)}`);
        press(view, "ArrowDown");
        expect(view.selected === (view.trace.cores[0].rows.length > 1 ? 1 : 0), `ArrowDown ${number}: ${shown(view)}`);
        press(view, "+");
        expect(view.zoom > 1, `zoom ${number}`);
        press(view, "0");
        const button = view.kinds.querySelector("button");
        button.click();
        expect(view.exits.some(exit => exit.item.style.display === "none"), `hide ${number}`);
        button.click();
        expect(view.exits.every(exit => exit.item.style.display === ""), `show ${number}`);
        press(view, "Home");
    });
    expect(performance.getEntriesByType("resource").length === 0, "something was loaded");
    document.documentElement.dataset.check = wrong.length ? wrong.join("; ") : "ok";
}

const views = data.traces.map(trace => new View(trace));
if (location.hash === "#check")
    check(views);
