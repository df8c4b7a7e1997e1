using MambaExt.Blocks;
using MambaExt.Kernels;
using MambaExt.Kernels.Verification;
using MambaExt.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Verification;

/// <summary>Runs an <c>lm_*</c> file against a language model: logits, loss, one token at a time, and the gradients of the loss.</summary>
internal static class GoldenLm
{
    public static GoldenResult Run(string path, KernelOptions options, Device? device = null)
    {
        using DisposeScope scope = NewDisposeScope();
        var file = new GoldenFile(path);
        var golden = new GoldenTensors(file, device);
        int layers = golden.Number("n_layer"), vocabulary = golden.Number("vocab"), width = golden.Number("d_model");
        bool second = file.Text("layer") == "Mamba2";
        using LanguageModel model = second
            ? new Mamba2Lm(new Mamba2LmOptions(layers, vocabulary, GoldenMamba2.Options(file, golden)) { pad_vocab_size_multiple = 1 })
            : new MambaLm(new MambaLmOptions(layers, vocabulary, new MambaOptions(width)
            {
                d_state = golden.Number("d_state"), d_conv = golden.Number("d_conv"), dt_rank = golden.Number("dt_rank"), expand = golden.Number("d_inner") / width,
            })
            { pad_vocab_size_multiple = 1 });
        golden.Fill(model);
        Tensor ids = golden.Integers("input_ids", ScalarType.Int64)!;
        golden.Compare("logits", model.forward(ids), GoldenKind.Output);
        Tensor loss = model.Loss(ids);
        golden.Compare("loss", loss.view(1), GoldenKind.Output);
        loss.backward();
        golden.CompareGradients(model);

        using LmCache cache = model.NewCache(ids.shape[0]);
        Tensor[] steps = [.. Enumerable.Range(0, (int)ids.shape[1]).Select(t => model.Forward(ids.narrow(1, t, 1), cache))];
        golden.Compare("logits", cat(steps, 1), GoldenKind.Output);
        return golden.Result($"{(second ? "Mamba-2" : "Mamba")} language model", options.VectorBits);
    }
}
