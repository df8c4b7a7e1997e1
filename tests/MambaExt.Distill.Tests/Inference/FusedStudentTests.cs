using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Inference;

/// <summary>The fused pass is the module's, whatever the sizes are.</summary>
public sealed class FusedStudentTests
{
    public static TheoryData<string, string, int, int> Sizes => new()
    {
        { "14x12x8x1", ScanKind.Forward, 1, 0 }, { "14x12x8x1", ScanKind.Forward, 64, 0 }, { "7x17x3x2", ScanKind.Forward, 5, 0 }, { "7x64x16x3", ScanKind.Forward, 13, 0 },
        { "4x24x5x2", ScanKind.Bidirectional, 3, 0 }, { "14x32x16x1", ScanKind.Forward, 7, 12 }, { "28x4x1x1", ScanKind.Bidirectional, 2, 3 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Fused_pass_gives_the_module_s_numbers(string size, string scan, int batch, int reuse)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        manual_seed(3);
        using var model = new PatchMamba(new PatchMambaOptions { scan = scan, reuse = reuse, distillation_head = reuse > 0 }.WithSize(size));
        Perturb(model);
        using var fused = new FusedStudent(model);
        Tensor images = randn(batch, 1, 28, 28);
        Tensor? before = reuse > 0 ? randn(batch, reuse) : null;
        Tensor h = model.Features(images), z = model.Logits(h, before);
        var (feature, logits) = fused.Run(images, before);
        TensorAssert.Close(h, feature, 2e-5, "feature");
        TensorAssert.Close(z, logits, 2e-5, "logits");
    }

    [Fact]
    public void An_image_has_the_same_bits_in_any_batch_and_on_any_number_of_threads()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(4);
        using var model = new PatchMamba(new PatchMambaOptions { scan = ScanKind.Bidirectional }.WithSize("7x20x8x2"));
        using var fused = new FusedStudent(model);
        using IDisposable _ = no_grad();
        Tensor images = randn(37, 1, 28, 28);
        int before = Compute.Threads;
        Compute.Threads = 1;
        Tensor whole = fused.Run(images).Logits;
        Compute.Threads = 2;
        Tensor again = fused.Run(images).Logits;
        Compute.Threads = before;
        TensorAssert.Same(whole, again);
        for (int i = 0; i < 37; i += 6)
        {
            TensorAssert.Same(whole.narrow(0, i, 1), fused.Run(images.narrow(0, i, 1)).Logits, $"image {i}");
        }
    }

    [Fact]
    public void A_model_of_another_kind_is_refused()
    {
        using var model = new PatchMamba(new PatchMambaOptions { scan = ScanKind.Cross }.WithSize("14x4x2x1"));
        Refusal.Of<ArgumentException>(() => new FusedStudent(model).Dispose(), "cross", "call it");
    }

    /// <summary>Norm weights and biases that are all one or zero would hide a mistake.</summary>
    private static void Perturb(PatchMamba model)
    {
        foreach (Tensor parameter in model.parameters())
        {
            parameter.add_(randn_like(parameter) * 0.1);
        }
    }
}
