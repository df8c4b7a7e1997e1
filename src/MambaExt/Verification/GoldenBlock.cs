using MambaExt.Blocks;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Verification;

/// <summary>Runs a <c>mamba_block*</c> file against <see cref="MambaBlock"/>: forward, one token at a time, cache and every gradient; and
/// likewise a <c>mamba2_block*</c> file against <see cref="Mamba2Block"/> and an <c>lm_*</c> file against a language model.</summary>
public static class GoldenBlock
{
    /// <summary>The result, or null where the file is of another kind. Blocks run at the width of this process, so other widths are
    /// left to other processes.</summary>
    /// <param name="path">The file</param>
    /// <param name="options">Threads and width of a CPU</param>
    /// <param name="device">Where the blocks run; the CPU unless given</param>
    public static GoldenResult? Run(string path, KernelOptions options, Device? device = null)
    {
        string name = Path.GetFileName(path);
        if (options.VectorBits != VectorWidth.Default)
        {
            return null;
        }

        return name.StartsWith("mamba_block", StringComparison.Ordinal) ? Mamba(path, options, device)
            : name.StartsWith("mamba2_block", StringComparison.Ordinal) ? GoldenMamba2.Run(path, options, device)
            : name.StartsWith("lm_", StringComparison.Ordinal) ? GoldenLm.Run(path, options, device)
            : null;
    }

    private static GoldenResult Mamba(string path, KernelOptions options, Device? device)
    {
        using DisposeScope scope = NewDisposeScope();
        var file = new GoldenFile(path);
        var golden = new GoldenTensors(file, device);
        int model = golden.Number("d_model");
        using var block = new MambaBlock(new MambaOptions(model)
        {
            d_state = golden.Number("d_state"), d_conv = golden.Number("d_conv"), dt_rank = golden.Number("dt_rank"), expand = golden.Number("d_inner") / model,
            bias = file.Switch("bias"), conv_bias = file.Switch("conv_bias"),
        });
        golden.Fill(block);
        Tensor hidden = golden.Read("hidden_states").requires_grad_();
        Tensor result = block.forward(hidden);
        golden.Compare("out", result, GoldenKind.Output);
        (result * golden.Read("g_out")).sum().backward();
        golden.Compare("grad_hidden_states", hidden.grad!, GoldenKind.SequenceGradient);
        golden.CompareGradients(block);

        // A third of the sequence at once, the rest token by token, must end in the same outputs and cache.
        using var cache = new MambaCache(block.Options, hidden.shape[0], golden.Type, golden.Device);
        long length = hidden.shape[1], prefill = length / 3;
        List<Tensor> pieces = prefill > 0 ? [block.Forward(hidden.detach().narrow(1, 0, prefill), cache)] : [];
        for (long t = prefill; t < length; t++)
        {
            pieces.Add(block.Step(hidden.detach().select(1, t), cache).unsqueeze(1));
        }

        golden.Compare("out", cat(pieces, 1), GoldenKind.Output);
        golden.Compare("conv_state", cache.conv_state.transpose(1, 2), GoldenKind.Output);
        golden.Compare("ssm_state", cache.ssm_state, GoldenKind.Output);
        return golden.Result("Mamba block", options.VectorBits);
    }
}
