using MambaExt.Distill.Students;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Students;

public sealed class PatchMambaTests
{
    [Fact]
    public void Patches_are_cut_row_by_row_and_channel_by_channel()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using var embed = new MambaExt.Vision.PatchEmbedding(2, 4, 6, 2, 3);
        Tensor images = randn(2, 2, 4, 6), tokens = embed.forward(images);
        Tensor weight = embed.get_parameter("proj.weight")!, bias = embed.get_parameter("proj.bias")!, position = embed.get_parameter("position")!;
        Assert.Equal([2, 6, 3], tokens.shape);
        for (int row = 0; row < 2; row++)
        {
            for (int column = 0; column < 3; column++)
            {
                Tensor patch = images.narrow(2, 2 * row, 2).narrow(3, 2 * column, 2).reshape(2, 8);
                int l = (3 * row) + column;
                TensorAssert.Close(patch.matmul(weight.t()) + bias + position[l], tokens.select(1, l), 1e-6, $"token {l}");
            }
        }

        Refusal.Of<ArgumentException>(() => _ = new MambaExt.Vision.PatchEmbedding(1, 28, 28, 5, 8), "patch of 5", "28 x 28");
        Refusal.Of<ArgumentException>(() => embed.forward(randn(1, 1, 4, 6)), "[1, 1, 4, 6]", "[B, 2, 4, 6]");
    }

    [Fact]
    public void Scanning_from_both_ends_with_the_same_weights_does_not_tell_them_apart()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using PatchMamba model = Twins(ScanKind.Bidirectional);
        Tensor images = randn(3, 1, 8, 8);

        // One value a patch: turning the picture by 180 degrees reverses the tokens and nothing else.
        TensorAssert.Close(model.forward(images), model.forward(images.flip(2, 3)), 1e-5);
        using PatchMamba forward = Twins(ScanKind.Forward);
        Assert.True((forward.forward(images) - forward.forward(images.flip(2, 3))).abs().max().ToDouble() > 1e-3);
    }

    [Fact]
    public void Scanning_rows_and_columns_with_the_same_weights_does_not_tell_them_apart()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using PatchMamba model = Twins(ScanKind.Cross), both = Twins(ScanKind.Bidirectional);
        Tensor images = randn(3, 1, 8, 8);
        TensorAssert.Close(model.forward(images), model.forward(images.transpose(2, 3).contiguous()), 1e-5);
        Assert.True((both.forward(images) - both.forward(images.transpose(2, 3).contiguous())).abs().max().ToDouble() > 1e-3);
    }

    [Fact]
    public void Heads_read_what_they_were_made_for()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using var model = new PatchMamba(new PatchMambaOptions { height = 8, width = 8, reuse = 3, distillation_head = true }.WithSize("4x6x2x1"));
        Tensor h = model.Features(randn(2, 1, 8, 8)), before = randn(2, 3);
        var (own, other) = model.BothLogits(h, before);
        TensorAssert.Close((own + other) / 2, model.Logits(h, before), 1e-6);
        Refusal.Of<ArgumentException>(() => model.Logits(h), "reads 3 values", "given 0");
        Refusal.Of<ArgumentException>(() => _ = new PatchMamba(new PatchMambaOptions { d_state = 0, scan = "zigzag" }), "d_state is 0", "'zigzag'");
    }

    /// <summary>A model on single pixels whose directions have the same weights and whose places are all alike.</summary>
    private static PatchMamba Twins(string scan)
    {
        manual_seed(5);
        var model = new PatchMamba(new PatchMambaOptions { height = 8, width = 8, scan = scan }.WithSize("1x6x3x2"));
        Dictionary<string, Tensor> all = model.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        all["patch_embed.position"].zero_();
        foreach (var (name, parameter) in all)
        {
            for (int direction = 1; direction < 4; direction++)
            {
                if (name.Contains($"directions.{direction}.", StringComparison.Ordinal))
                {
                    parameter.copy_(all[name.Replace($"directions.{direction}.", "directions.0.", StringComparison.Ordinal)]);
                }
            }
        }

        return model;
    }
}
