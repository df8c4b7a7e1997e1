using MambaExt.Distill.Students;

namespace MambaExt.Distill.Accounting;

/// <summary>
/// Floating-point operations of a <see cref="PatchMamba"/>, layer by layer. One multiply-add is two operations. A token costs in a Mamba block,
/// with E = expand D, R the rank of delta, S states and k taps:
/// <code>
/// in_proj, out_proj   4 D E + 2 E D
/// convolution         2 E k
/// x_proj, dt_proj     2 E (R + 2 S) + 2 R E
/// scan                7 E S + 4 E      exp(dt A): 2 E S; dt x B: E + E S; h: 2 E S; C h: 2 E S; skip: 2 E; gate: E
/// norm and residual   5 D
/// </code>
/// Additions of biases and positions and the mean over tokens are not counted. Beside it stands the field's convention (VMamba, GroupMamba): a
/// multiply-add of a matrix or convolution counts one, a scan 9 E S + 2 E, a norm nothing. It mixes units, and a ratio of two of
/// its numbers means little; it is here for comparison with papers.
/// </summary>
public static class FlopCount
{
    /// <summary>Said beside every table.</summary>
    public const string Convention = "one multiply-add = 2 FLOPs, scan 7 E S + 4 E a token";

    /// <summary>Said beside a column of the other.</summary>
    public const string FieldConvention = "one multiply-add = 1, scan 9 E S + 2 E a token (VMamba, GroupMamba)";

    /// <summary>Every layer of a model, in the order of its parameters.</summary>
    public static IReadOnlyList<LayerCost> Layers(PatchMambaOptions o)
    {
        o.Validate();
        long stride = o.stem_stride, height = o.height / stride, width = o.width / stride, patch = o.patch / stride, tokens = o.Tokens;
        int channels = o.stem_channels > 0 ? o.stem_channels : o.channels;
        List<LayerCost> layers = [];
        if (o.stem_channels > 0)
        {
            layers.Add(Linear("stem", 9 * o.channels, channels, height * width));
        }

        LayerCost embed = Linear("patch_embed", channels * patch * patch, o.d_model, tokens);
        layers.Add(embed with { parameters = embed.parameters + (tokens * o.d_model) });
        int directions = ScanKind.Directions(o.scan);
        for (int i = 0; i < o.blocks; i++)
        {
            LayerCost block = Block(o);
            layers.Add(new LayerCost(
                $"layers.{i}", (directions * block.parameters) + o.d_model, tokens * ((directions * block.flops) + (5L * o.d_model)), tokens * directions * block.field_flops));
        }

        layers.Add(new LayerCost("norm", o.d_model, 4 * tokens * o.d_model, 0));
        layers.Add(Linear("head", o.d_model + o.reuse, o.classes, 1));
        if (o.distillation_head)
        {
            layers.Add(Linear("dist_head", o.d_model + o.reuse, o.classes, 1));
        }

        return layers;
    }

    /// <summary>The whole model.</summary>
    public static LayerCost Total(PatchMambaOptions options) => Layers(options).Aggregate((sum, layer) => sum + layer) with { name = options.Size };

    /// <summary>Operations of the part that reads the preceding student's feature.</summary>
    public static long Reuse(PatchMambaOptions o) => 2L * o.classes * o.reuse * (o.distillation_head ? 2 : 1);

    /// <summary>One Mamba block on one token, without its norm.</summary>
    private static LayerCost Block(PatchMambaOptions o)
    {
        Blocks.MambaOptions block = o.Block;
        long d = block.d_model, e = block.d_inner, r = block.Rank, s = block.d_state, k = block.d_conv;
        long products = checked((2 * d * e) + (e * d) + (e * (r + (2 * s))) + (r * e)), taps = e * k;
        long parameters = products + taps + e + e + (e * s) + e;          // biases of convolution and dt_proj, A_log, D
        return new LayerCost("block", parameters, (2 * products) + (2 * taps) + (7 * e * s) + (4 * e), products + taps + (9 * e * s) + (2 * e));
    }

    private static LayerCost Linear(string name, long inputs, long outputs, long times) =>
        new(name, (inputs * outputs) + outputs, 2 * inputs * outputs * times, inputs * outputs * times);
}
