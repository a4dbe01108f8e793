import { expect, test } from "vitest";
import { readCatalogue } from "../../scripts/images/catalogue.ts";
import { wantedImages } from "./wantedImages.ts";

test("the images that a host has from its start are those of the catalogue that are not made on demand", () => {
  const catalogue = readCatalogue();
  const onDemand = catalogue.filter((image) => image.onDemand === true);
  expect(onDemand.length).toBeGreaterThan(0);
  expect(wantedImages().sort()).toEqual(
    catalogue
      .filter((image) => !onDemand.includes(image))
      .map(({ tag }) => tag)
      .sort(),
  );
});
