using MambaExt.Blocks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Models;

/// <summary>A block in the residual stream, <c>x + mixer(norm(x))</c>.</summary>
internal sealed class LmLayer : nn.Module<Tensor, Tensor>
{
    private readonly RmsNorm norm;
    private readonly nn.Module<Tensor, Tensor> mixer;

    public LmLayer(LmOptions options)
        : base(nameof(LmLayer))
    {
        norm = new RmsNorm(options.d_model, options.norm_eps);
        mixer = options is Mamba2LmOptions second ? new Mamba2Block(second.mixer) : new MambaBlock(((MambaLmOptions)options).mixer);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => x + mixer.forward(norm.forward(x));

    public IDisposable NewCache(long batch, ScalarType type, Device device) => mixer is Mamba2Block second
        ? new Mamba2Cache(second.Options, batch, type, device)
        : new MambaCache(((MambaBlock)mixer).Options, batch, type, device);

    public Tensor Forward(Tensor x, IDisposable cache) => x + (mixer is Mamba2Block second
        ? second.Forward(norm.forward(x), (Mamba2Cache)cache)
        : ((MambaBlock)mixer).Forward(norm.forward(x), (MambaCache)cache));
}

/// <summary>Embedding, layers and last norm under their published names.</summary>
internal sealed class LmBackbone : nn.Module<Tensor, Tensor>
{
    public readonly Embedding embedding;
    public readonly ModuleList<LmLayer> layers;
    private readonly RmsNorm norm_f;

    public LmBackbone(LmOptions options)
        : base(nameof(LmBackbone))
    {
        embedding = nn.Embedding(options.PaddedVocabulary, options.d_model);
        layers = new ModuleList<LmLayer>([.. Enumerable.Range(0, options.n_layer).Select(_ => new LmLayer(options))]);
        norm_f = new RmsNorm(options.d_model, options.norm_eps);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input_ids) => Forward(input_ids, null);

    public Tensor Forward(Tensor input_ids, LmCache? cache)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = embedding.forward(input_ids);
        for (int i = 0; i < layers.Count; i++)
        {
            x = cache is null ? layers[i].forward(x) : layers[i].Forward(x, cache.Layers[i]);
        }

        return norm_f.forward(x).MoveToOuterDisposeScope();
    }
}

/// <summary>What a language model remembers of the tokens it has seen: constant memory, however many.</summary>
public sealed class LmCache : IDisposable
{
    internal LmCache(long batch, IReadOnlyList<IDisposable> layers) => (Batch, Layers) = (batch, layers);

    /// <summary>Sequences.</summary>
    public long Batch { get; }

    internal IReadOnlyList<IDisposable> Layers { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable layer in Layers)
        {
            layer.Dispose();
        }
    }
}
