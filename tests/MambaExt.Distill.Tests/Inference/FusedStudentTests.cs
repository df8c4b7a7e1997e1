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

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Every_vector_width_gives_the_module_s_numbers(int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        manual_seed(6);
        using var model = new PatchMamba(new PatchMambaOptions { scan = ScanKind.Bidirectional }.WithSize("7x19x5x2"));
        Perturb(model);
        using var fused = new FusedStudent(model) { Kernel = new MambaExt.Kernels.KernelOptions(2, bits) };
        Tensor images = randn(31, 1, 28, 28);
        TensorAssert.Close(model.forward(images), fused.Run(images).Logits, 2e-5);
        float[] feature = new float[31 * 19], logits = new float[310];
        fused.Run(images.data<float>().ToArray(), [], feature, logits);
        TensorAssert.Close(model.Features(images), tensor(feature).view(31, 19), 2e-5);
    }

    [Fact]
    public void An_empty_batch_is_answered_and_other_sizes_are_named()
    {
        using DisposeScope scope = NewDisposeScope();
        using var model = new PatchMamba(new PatchMambaOptions().WithSize("14x4x2x1"));
        using var fused = new FusedStudent(model);
        Assert.Equal([0, 10], fused.Run(zeros(0, 1, 28, 28)).Logits.shape);
        Refusal.Of<ArgumentException>(() => fused.Run(zeros(1, 1, 32, 32)), "[1, 1, 32, 32]", "[B, 1, 28, 28]");
        Refusal.Of<ArgumentException>(() => fused.Run(zeros(1, 1, 28, 28), zeros(1, 3)), "reads 0 values", "given 3");
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
