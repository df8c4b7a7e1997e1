using System.Globalization;
using MambaExt.Blocks;
using MambaExt.Kernels;
using MambaExt.Kernels.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Verification;

/// <summary>Runs a <c>mamba2_block*</c> file against <see cref="Mamba2Block"/>: forward, one token at a time, cache and every gradient.</summary>
internal static class GoldenMamba2
{
    public static GoldenResult Run(string path, KernelOptions options, Device? device = null)
    {
        using DisposeScope scope = NewDisposeScope();
        var file = new GoldenFile(path);
        var golden = new GoldenTensors(file, device);
        using var block = new Mamba2Block(Options(file, golden));
        golden.Fill(block);
        Tensor hidden = golden.Read("hidden_states").requires_grad_();
        Tensor? sequences = golden.Integers("seq_idx", ScalarType.Int32);
        Tensor result = block.Forward(hidden, sequences);
        golden.Compare("out", result, GoldenKind.Output);
        (result * golden.Read("g_out")).sum().backward();
        golden.Compare("grad_hidden_states", hidden.grad!, GoldenKind.SequenceGradient);
        golden.CompareGradients(block);
        if (sequences is null)
        {
            Steps(block, hidden.detach(), golden);
        }
        else
        {
            LastSequences(block, hidden.detach(), sequences, golden);
        }

        return golden.Result("Mamba-2 block", options.VectorBits);
    }

    /// <summary>Sizes of a block, or of the blocks of a language model, from the text map.</summary>
    public static Mamba2Options Options(GoldenFile file, GoldenTensors golden)
    {
        int model = golden.Number("d_model");
        double[] limits = [.. file.Text("dt_limit").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(x => double.Parse(x, CultureInfo.InvariantCulture))];
        return new Mamba2Options(model)
        {
            d_state = golden.Number("d_state"), d_conv = golden.Number("d_conv"), expand = golden.Number("d_inner") / model, headdim = golden.Number("headdim"),
            ngroups = golden.Number("ngroups"), D_has_hdim = file.Switch("D_has_hdim"), rmsnorm = file.Switch("rmsnorm"), norm_before_gate = file.Switch("norm_before_gate"),
            bias = file.Switch("bias"), conv_bias = file.Text("conv_bias", "1") == "1", dt_limit = limits.Length == 2 ? (limits[0], limits[1]) : (0, double.PositiveInfinity),
        };
    }

    /// <summary>A third of the sequence at once, the rest token by token, must end in the same outputs and cache.</summary>
    private static void Steps(Mamba2Block block, Tensor hidden, GoldenTensors golden)
    {
        using var cache = new Mamba2Cache(block.Options, hidden.shape[0], golden.Type, golden.Device);
        long length = hidden.shape[1], prefill = length / 3;
        List<Tensor> pieces = [block.Forward(hidden.narrow(1, 0, prefill), cache)];
        for (long t = prefill; t < length; t++)
        {
            pieces.Add(block.Step(hidden.select(1, t), cache).unsqueeze(1));
        }

        golden.Compare("out", cat(pieces, 1), GoldenKind.Output);
        golden.Compare("conv_state", cache.conv_state.transpose(1, 2), GoldenKind.Output);
        golden.Compare("ssm_state", cache.ssm_state, GoldenKind.Output);
    }

    /// <summary>Of packed sequences the state is that of the last one, as if it had come alone.</summary>
    private static void LastSequences(Mamba2Block block, Tensor hidden, Tensor sequences, GoldenTensors golden)
    {
        var states = new List<Tensor>();
        for (long b = 0; b < hidden.shape[0]; b++)
        {
            int[] row = sequences.select(0, b).cpu().data<int>().ToArray();
            int first = Array.FindLastIndex(row, n => n != row[^1]) + 1;
            using var cache = new Mamba2Cache(block.Options, 1, golden.Type, golden.Device);
            block.Forward(hidden.narrow(0, b, 1).narrow(1, first, row.Length - first), cache);
            states.Add(cache.ssm_state.clone());
        }

        golden.Compare("ssm_state", cat(states, 0), GoldenKind.Output);
    }
}
