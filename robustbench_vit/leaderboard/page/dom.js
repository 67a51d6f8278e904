const { makers, templates } = JSON.parse(document.getElementById("data").textContent);
const make = (tag, attributes = {}, ...content) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...content.filter((one) => one != null));
  return node;
};
