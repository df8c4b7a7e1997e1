using MambaExt.Distill.Losses;
using MambaExt.Distill.Students;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Losses;

public sealed class FeatureTapsTests
{
    [Fact]
    public void A_tap_hears_what_a_module_answers_with_its_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(1);
        using var model = new PatchMamba(new PatchMambaOptions { height = 8, width = 8 }.WithSize("4x6x2x2"));
        Tensor images = randn(3, 1, 8, 8);
        int seen = 0;
        using (var taps = new FeatureTaps(model, ["layers.0", "layers.1.mixer"], (_, _) => seen++))
        {
            Tensor logits = model.forward(images);
            Assert.Equal([3, 4, 6], taps["layers.0"].shape);
            Assert.Equal(2, seen);
            taps["layers.0"].sum().backward();
            Assert.True(model.named_parameters().Single(p => p.name == "patch_embed.proj.weight").parameter.grad!.abs().sum().ToDouble() > 0);
            TensorAssert.Same(logits, model.forward(images), "logits beside taps");
        }

        seen = 0;
        model.forward(images);
        Assert.Equal(0, seen);
    }

    [Fact]
    public void Taps_leave_no_tensor_behind()
    {
        using var model = new PatchMamba(new PatchMambaOptions { height = 8, width = 8 }.WithSize("4x6x2x1"));
        LeakCheck.LeavesNothing(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable _ = no_grad();
            using var taps = new FeatureTaps(model, ["layers.0"]);
            model.forward(randn(2, 1, 8, 8));
            model.forward(randn(2, 1, 8, 8));
        });
    }

    [Fact]
    public void A_path_that_is_no_module_is_named()
    {
        using var model = new PatchMamba(new PatchMambaOptions { height = 8, width = 8 }.WithSize("4x6x2x1"));
        Refusal.Of<ArgumentException>(() => _ = new FeatureTaps(model, ["layers.9"]), "no module 'layers.9'", "layers.0");
        using var taps = new FeatureTaps(model, ["layers.0.mixer"]);
        Refusal.Of<InvalidOperationException>(() => _ = taps["layers.0.mixer"], "was not heard", "call(...)");
    }
}
