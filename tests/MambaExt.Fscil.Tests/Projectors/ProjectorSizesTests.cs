using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Projectors;

public sealed class ProjectorSizesTests : TensorTests
{
    [Theory]
    [InlineData("mini-imagenet", 640, 5, 2_735_872, 2_735_872, 327_680)]
    [InlineData("cifar100", 640, 2, 3_295_360, 3_295_360, 0)]
    [InlineData("cub200", 512, 7, 9_084_928, 10_234_880, 524_288)]
    public void Published_projectors_have_their_parameters_on_the_meta_device(string dataSet, int channels, int side, long g_base, long g_inc, long identity)
    {
        using var projector = new MambaProjector(new MapSize(side, side, channels), FscilRecipes.Paper(dataSet).projector);
        projector.to(META);
        Assert.Equal((g_base, g_inc), (projector.BaseBranch.ParameterCount, projector.IncrementalBranch.ParameterCount));
        Assert.Equal(g_base + g_inc + identity, projector.ParameterCount);
        Assert.All(projector.named_parameters(), p => Assert.Equal(DeviceType.META, p.parameter.device_type));
    }

    [Fact]
    public void Without_an_identity_map_widths_must_agree() =>
        Refusal.Of<ArgumentException>(() => new MambaProjector(new MapSize(2, 2, 8), new ProjectorOptions { width = 16, identity = false }), "16 numbers", "8 channels");
}
