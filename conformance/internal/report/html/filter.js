(function () {
  var choice = document.getElementById("operation"), run = document.getElementById("run");
  if (!choice || !run) return;
  choice.parentNode.hidden = false;
  function show() {
    run.querySelectorAll("rect[data-op]").forEach(function (bar) {
      bar.classList.toggle("off", choice.value !== "" && bar.dataset.op.split(" ").indexOf(choice.value) < 0);
    });
  }
  choice.addEventListener("change", show);
  show();
})();
