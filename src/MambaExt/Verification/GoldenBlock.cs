using System.Globalization;
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
    public static GoldenResult? Run(string path, KernelOptions options)
    {
        string name = Path.GetFileName(path);
        if (options.VectorBits != VectorWidth.Default)
        {
            return null;
        }

        return name.StartsWith("mamba_block", StringComparison.Ordinal) ? Mamba(path, options)
            : name.StartsWith("mamba2_block", StringComparison.Ordinal) ? GoldenMamba2.Run(path, options)
            : name.StartsWith("lm_", StringComparison.Ordinal) ? GoldenLm.Run(path, options)
            : null;
    }

    private static GoldenResult Mamba(string path, KernelOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        var file = new GoldenFile(path);
        int Number(string key) => int.Parse(file.Text(key), CultureInfo.InvariantCulture);
        ScalarType type = file.IsDouble ? ScalarType.Float64 : ScalarType.Float32;
        int model = Number("d_model");
        using var block = new MambaBlock(new MambaOptions(model)
        {
            d_state = Number("d_state"), d_conv = Number("d_conv"), dt_rank = Number("dt_rank"), expand = Number("d_inner") / model,
            bias = file.Switch("bias"), conv_bias = file.Switch("conv_bias"),
        });
        block.to(type);
        Dictionary<string, TorchSharp.Modules.Parameter> parameters = block.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using (no_grad())
        {
            foreach (var (name, parameter) in parameters)
            {
                parameter.copy_(Read(name));
            }
        }

        Tensor hidden = Read("hidden_states").requires_grad_();
        Tensor result = block.forward(hidden);
        file.Compare("out", Values(result), GoldenKind.Output);
        (result * Read("g_out")).sum().backward();
        file.Compare("grad_hidden_states", Values(hidden.grad!), GoldenKind.SequenceGradient);
        foreach (var (name, parameter) in parameters)
        {
            file.Compare("grad_" + name, Values(parameter.grad!), GoldenKind.ParameterGradient);
        }

        // A third of the sequence at once, the rest token by token, must end in the same outputs and cache.
        using var cache = new MambaCache(block.Options, hidden.shape[0], type);
        long length = hidden.shape[1], prefill = length / 3;
        List<Tensor> pieces = prefill > 0 ? [block.Forward(hidden.detach().narrow(1, 0, prefill), cache)] : [];
        for (long t = prefill; t < length; t++)
        {
            pieces.Add(block.Step(hidden.detach().select(1, t), cache).unsqueeze(1));
        }

        file.Compare("out", Values(cat(pieces, 1)), GoldenKind.Output);
        file.Compare("conv_state", Values(cache.conv_state.transpose(1, 2)), GoldenKind.Output);
        file.Compare("ssm_state", Values(cache.ssm_state), GoldenKind.Output);
        return file.Result($"Mamba block, {(file.IsDouble ? "double" : "single")}", options.VectorBits);

        Tensor Read(string name) => tensor(file.Values(name), file[name].Shape.ToArray()).to_type(type);
    }

    private static double[] Values(Tensor t) => t.detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
}
