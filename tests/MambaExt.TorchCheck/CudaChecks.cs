using MambaExt.Blocks;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.TorchCheck;

/// <summary>Operators and blocks on a GPU against the same on the CPU.</summary>
internal static class CudaChecks
{
    public static IReadOnlyList<(string Name, Func<string> Check)> All { get; } =
    [
        ("a tensor to the GPU and back", RoundTrip),
        ("Mamba block, float32", () => Compare(() => new MambaBlock(new MambaOptions(64)), ScalarType.Float32, 1e-4)),
        ("Mamba block, bfloat16", () => Compare(() => new MambaBlock(new MambaOptions(64)), ScalarType.BFloat16, 6e-2)),
        ("Mamba-2 block, float32", () => Compare(() => new Mamba2Block(new Mamba2Options(64) { d_state = 32, headdim = 32 }), ScalarType.Float32, 1e-4)),
        ("Mamba-2 block, bfloat16", () => Compare(() => new Mamba2Block(new Mamba2Options(64) { d_state = 32, headdim = 32 }), ScalarType.BFloat16, 6e-2)),
        ("Mamba block, step by step", () => Steps(new MambaBlock(new MambaOptions(64)), (block, x, cache) => block.Forward(x, cache), block => new MambaCache(block.Options, 2, device: CUDA))),
        ("Mamba-2 block, step by step", () => Steps(
            new Mamba2Block(new Mamba2Options(64) { d_state = 32, headdim = 32 }), (block, x, cache) => block.Forward(x, cache), block => new Mamba2Cache(block.Options, 2, device: CUDA))),
        ("sparse sums", Sparse),
        ("attention and gates over arcs", Arcs),
        ("a block trains on the GPU", () => CpuChecks.Train(CUDA)),
        ("gradients are the same bits every time", Repeat),
    ];

    private static string RoundTrip()
    {
        Tensor x = randn(1000);
        return x.cuda().cpu().equal(x).ToBoolean() ? "the same" : throw new InvalidOperationException("another tensor came back");
    }

    /// <summary>Output, gradient of the input and of every parameter.</summary>
    private static string Compare(Func<nn.Module<Tensor, Tensor>> make, ScalarType type, double tolerance)
    {
        manual_seed(3);
        using nn.Module<Tensor, Tensor> here = make(), there = make();
        there.load_state_dict(here.state_dict());
        there.to(CUDA).to(type);
        Tensor x = randn(2, 100, 64), g = randn(2, 100, 64);
        Tensor a = x.clone().requires_grad_(), b = x.to(CUDA).to_type(type).requires_grad_();
        Tensor right = here.forward(a), got = there.forward(b);
        (right * g).sum().backward();
        (got * g.to(CUDA).to_type(type)).sum().backward();
        string result = Checks.Close(got, right, tolerance, "output");
        result += ", " + Checks.Close(b.grad!, a.grad!, tolerance, "input gradient");
        foreach (var ((name, parameter), (_, other)) in here.named_parameters().Zip(there.named_parameters()))
        {
            Checks.Close(other.grad!, parameter.grad!, tolerance, $"gradient of {name}");
        }

        return result;
    }

    private static string Sparse()
    {
        using var matrix = new CsrMatrix(4, [0, 2, 2, 5], [1, 3, 0, 1, 2], [0.5f, 2, -1, 3, 1]);
        Tensor a = randn(4, 40).requires_grad_(), b = a.detach().to(CUDA).requires_grad_();
        Tensor right = matrix.Multiply(a), got = matrix.Multiply(b);
        right.square().sum().backward();
        got.square().sum().backward();
        return Checks.Close(got, right, 1e-6, "sum") + ", " + Checks.Close(b.grad!, a.grad!, 1e-6, "gradient");
    }

    private static string Arcs()
    {
        using var matrix = new CsrMatrix(4, [0, 2, 2, 5], [1, 3, 0, 1, 2]);
        Tensor[] here = [randn(3, 8), randn(4, 8), randn(4, 8)], there = [.. here.Select(t => t.to(CUDA))];
        Array.ForEach(here, t => t.requires_grad_());
        Array.ForEach(there, t => t.requires_grad_());
        Tensor right = Both(here), got = Both(there);
        right.square().sum().backward();
        got.square().sum().backward();
        string result = Checks.Close(got, right, 1e-5, "results");
        foreach (var (own, other) in there.Zip(here))
        {
            Checks.Close(own.grad!, other.grad!, 1e-5, "a gradient");
        }

        return result;

        Tensor Both(Tensor[] t) => matrix.GatedMean(t[0], t[1], t[2]) + matrix.WeightedSum(t[2], matrix.RowSoftmax(matrix.ArcSum(t[0], t[1]).narrow(1, 0, 2)));
    }

    /// <summary>A prefix, then position by position, against the whole sequence on the same GPU.</summary>
    private static string Steps<TBlock, TCache>(TBlock block, Func<TBlock, Tensor, TCache, Tensor> step, Func<TBlock, TCache> make)
        where TBlock : nn.Module<Tensor, Tensor>
        where TCache : RecurrentCache
    {
        using TBlock own = block;
        own.to(CUDA);
        Tensor x = randn(2, 40, 64).to(CUDA);
        using IDisposable _ = no_grad();
        Tensor whole = own.forward(x);
        using TCache cache = make(own);
        Tensor[] pieces = [step(own, x.narrow(1, 0, 20), cache), .. Enumerable.Range(20, 20).Select(t => step(own, x.narrow(1, t, 1), cache))];
        return Checks.Close(cat(pieces, 1), whole, 1e-5, "outputs");
    }

    private static string Repeat()
    {
        manual_seed(4);
        using var block = new MambaBlock(new MambaOptions(64));
        block.to(CUDA);
        Tensor x = randn(2, 300, 64).to(CUDA);
        Tensor[] all = [.. Enumerable.Range(0, 5).Select(_ =>
        {
            block.zero_grad();
            block.forward(x).square().sum().backward();
            return block.get_parameter("A_log")!.grad!.clone();
        })];
        return all.All(one => one.equal(all[0]).ToBoolean()) ? "5 runs" : throw new InvalidOperationException("the gradient of A_log differs between runs");
    }
}
