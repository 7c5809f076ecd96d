// Browsers refuse workers to a page that was opened from the disk. Search then runs in a hidden
// frame that is spoken to as a worker is; it fetches nothing.
if (location.protocol === "file:") {
    window.Worker = class extends EventTarget {
        constructor(url) {
            super();
            this.waiting = [];
            this.ready = false;
            const frame = document.createElement("iframe");
            frame.hidden = true;
            document.body.append(frame);
            const inside = (this.inside = frame.contentWindow);
            inside.postMessage = (data) => this.answer(data);
            inside.importScripts = (...urls) =>
                urls.reduce((before, each) => before.then(() => this.load(each)), Promise.resolve());
            this.load(url).then(() => {
                this.ready = true;
                this.waiting.forEach((data) => this.tell(data));
            });
        }

        load(url) {
            return new Promise((resolve, reject) => {
                const script = this.inside.document.createElement("script");
                script.src = url;
                script.onload = resolve;
                script.onerror = reject;
                this.inside.document.body.append(script);
            });
        }

        postMessage(data) {
            if (this.ready) this.tell(data);
            else this.waiting.push(data);
        }

        tell(data) {
            this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data }));
        }

        answer(data) {
            const event = new MessageEvent("message", { data });
            this.dispatchEvent(event);
            if (this.onmessage) this.onmessage(event);
        }

        terminate() {
            this.inside.frameElement.remove();
        }
    };
}
