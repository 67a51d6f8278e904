"""AdaIN with the user's weights: the exchange of statistics in closed form, and files of the published layout."""

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from robustbench_vit.errors import CaseError
from robustbench_vit.perturbations.perturbation import to_uint8
from robustbench_vit.perturbations.stylize.adain import adain, decoder, encoder, exchanged
from robustbench_vit.perturbations.stylize.stylize import stylize
from robustbench_vit.randomness import Keys
from robustbench_vit.types import Context


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights of the right shapes as .pth and as safetensors; the encoder goes on as the published one does."""
    folder, draws = tmp_path_factory.mktemp("weights"), torch.Generator().manual_seed(5)
    networks = {"vgg_normalised": encoder(), "decoder": decoder()}
    for name, network in networks.items():
        state = {
            key: torch.randn(value.shape, generator=draws) * (2 / max(1, value[0].numel())) ** 0.5
            for key, value in network.state_dict().items()
        }
        if name == "decoder":  # pictures around grey, so that clipping does not hide them
            state |= {"28.weight": state["28.weight"] / 20, "28.bias": torch.full((3,), 0.5)}
        beyond = {"32.weight": torch.zeros(512, 512, 3, 3)} if name == "vgg_normalised" else {}
        torch.save({**state, **beyond}, folder / f"{name}.pth")
        save_file(state, folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="module")
def images():
    """Nine small images: a chunk and a rest."""
    return torch.rand(9, 3, 20, 28, generator=torch.Generator().manual_seed(1))


def files(folder, suffix="pth"):
    """The two weight arguments of `adain`."""
    return {"encoder_file": f"{folder}/vgg_normalised.{suffix}", "decoder_file": f"{folder}/decoder.{suffix}"}


def test_statistics_are_the_styles():
    """Mean and standard deviation of every channel are the style's, in whatever size; the pattern is the content's."""
    draws = torch.Generator().manual_seed(0)
    content = torch.randn(2, 5, 6, 7, generator=draws, dtype=torch.float64)
    style = torch.randn(2, 5, 4, 9, generator=draws, dtype=torch.float64) * 3 + 2
    result = exchanged(content, style)

    assert torch.allclose(result.mean((2, 3)), style.mean((2, 3)))
    assert torch.allclose(result.flatten(2).std(2), style.flatten(2).std(2), rtol=1e-4)
    for one, other in zip(result.flatten(0, 1), content.flatten(0, 1), strict=True):
        assert torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1] == pytest.approx(1)


def test_alpha_interpolates():
    """0 is the content, 1 the exchange, between them a straight line."""
    content, style = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4) + 1
    full = exchanged(content, style)

    assert torch.equal(exchanged(content, style, 0), content)
    assert torch.allclose(exchanged(content, style, 0.3), 0.7 * content + 0.3 * full)


def test_flat_channels_become_the_mean():
    """A flat content channel is no division by zero."""
    result = exchanged(torch.ones(1, 1, 4, 4), torch.rand(1, 1, 4, 4) + 2)

    assert result.isfinite().all()


def test_networks_have_the_published_layers():
    """Convolutions lie where the public files have them, with the published widths."""
    encoding = {
        int(name.split(".")[0]): value.shape for name, value in encoder().state_dict().items() if value.ndim > 1
    }
    decoding = {
        int(name.split(".")[0]): value.shape for name, value in decoder().state_dict().items() if value.ndim > 1
    }

    assert [0, 2, 5, 9, 12, 16, 19, 22, 25, 29] == list(encoding)
    assert [3, 64, 64, 128, 128, 256, 256, 256, 256, 512] == [shape[0] for shape in encoding.values()]
    assert [1, 5, 8, 11, 14, 18, 21, 25, 28] == list(decoding)
    assert [256, 256, 256, 256, 128, 128, 64, 64, 3] == [shape[0] for shape in decoding.values()]
    assert encoder()(torch.zeros(1, 3, 20, 28)).shape == (1, 512, 3, 4)
    assert decoder()(torch.zeros(1, 512, 3, 4)).shape == (1, 3, 24, 32)


def test_both_formats_give_the_plain_computation(weights, images):
    """.pth and safetensors hold the same nets, and the result is that of the published three lines."""
    style = images.flip(0)
    result = adain(images, style, **files(weights))
    encode, decode = encoder(), decoder()
    encode.load_state_dict(torch.load(weights / "vgg_normalised.pth"), strict=False)
    decode.load_state_dict(torch.load(weights / "decoder.pth"))
    with torch.no_grad():
        expected = decode(exchanged(encode(images), encode(style)))[..., :20, :28].clamp(0, 1)

    assert result.shape == images.shape
    assert result.std() > 0
    assert torch.allclose(result, expected, atol=1e-4)
    assert torch.equal(result, adain(images, style, **files(weights, "safetensors")))


def test_perturbation_does_not_depend_on_the_batch(weights, images, tmp_path):
    """Alone and together: bit-identical 8-bit images; strength 0 leaves them; alpha changes them."""
    for index in range(3):
        Image.fromarray((torch.rand(30, 30, 3) * 255).byte().numpy()).save(tmp_path / f"{index}.png")
    paths = {"encoder": str(weights / "vgg_normalised.pth"), "decoder": str(weights / "decoder.pth")}
    ids = tuple("abcdefghi")

    def run(chosen, **more):
        keys = Keys(0, "stylize", tuple(ids[index] for index in chosen))
        given = {"context": Context(), "style": str(tmp_path), "method": "adain", **paths, **more}
        return stylize(images[list(chosen)], keys, **given).images

    together = run(range(9))
    for index in (0, 4, 8):
        assert torch.equal(to_uint8(together[index : index + 1]), to_uint8(run([index])))
    assert torch.equal(run(range(9), strength=0), images)
    assert torch.allclose(run([0], strength=0.5), (images[:1] + together[:1]) / 2, atol=1e-6)
    assert not torch.equal(run([0], alpha=0.5), together[:1])


def test_wrong_files_are_named(weights, images, tmp_path):
    """Missing, damaged, swapped, incomplete, too large, of another kind: the file and what is wrong with it."""
    good = files(weights)
    contents = {
        "damaged.pth": b"no weights",
        "damaged.safetensors": b"no weights",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CaseError, match=f"cannot read the decoder file .*{name}: .*fetch it again"):
            adain(images, images, **{**good, "decoder_file": str(tmp_path / name)})
    with pytest.raises(CaseError, match=r"no such encoder file: .*gone\.pth; encoder= takes"):
        adain(images, images, **{**good, "encoder_file": str(tmp_path / "gone.pth")})
    with pytest.raises(
        CaseError, match=r"decoder\.pth is no AdaIN encoder \(as in vgg_normalised\.pth\): 0\.weight is"
    ):
        adain(images, images, encoder_file=good["decoder_file"], decoder_file=good["decoder_file"])

    state = torch.load(weights / "decoder.pth")
    wrong = {
        "28.weight is 1×64×3×3, expected 3×64×3×3": {**state, "28.weight": torch.zeros(1, 64, 3, 3)},
        "30.weight is not expected": {**state, "30.weight": torch.zeros(1)},
        "28.bias is missing": {name: value for name, value in state.items() if name != "28.bias"},
    }
    for index, (message, tensors) in enumerate(wrong.items()):
        torch.save(tensors, tmp_path / f"{index}.pth")
        with pytest.raises(CaseError, match=message):
            adain(images, images, **{**good, "decoder_file": str(tmp_path / f"{index}.pth")})
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(CaseError, match="holds a list, expected named tensors"):
        adain(images, images, **{**good, "decoder_file": str(tmp_path / "list.pth")})
    with pytest.raises(CaseError, match="at least 9 pixels"):
        adain(images[..., :8, :8], images[..., :8, :8], **good)
