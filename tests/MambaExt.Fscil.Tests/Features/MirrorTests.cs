using MambaExt.Fscil.Features;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Features;

/// <summary>Images looked at in a mirror too.</summary>
public sealed class MirrorTests : TensorTests
{
    [Fact]
    public void Features_are_the_mean_of_both_and_do_not_tell_an_image_from_its_mirror_image()
    {
        FscilRecipe recipe = Digits.Recipe();
        manual_seed(3);
        using var plain = new BaseNetwork(recipe, 4, 10);
        using var mirror = new BaseNetwork(recipe with { mirror = true }, 4, 10);
        mirror.load_state_dict(plain.state_dict());
        plain.eval();
        mirror.eval();
        using IDisposable _ = no_grad();
        Tensor images = rand(3, 1, 8, 8), turned = images.flip(3);
        ImageFeatures one = plain.Encode(images), other = plain.Encode(turned), both = mirror.Encode(images), again = mirror.Encode(turned);
        TensorAssert.Close((one.Maps + other.Maps) / 2, both.Maps, 1e-6);
        TensorAssert.Close((one.Levels + other.Levels) / 2, both.Levels, 1e-6);
        TensorAssert.Close(both.Levels, again.Levels, 1e-6);
        Assert.True((one.Levels - other.Levels).abs().max().item<float>() > 1e-3);
    }
}
