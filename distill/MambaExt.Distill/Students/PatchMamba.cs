using MambaExt.Blocks;
using MambaExt.Vision;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distill.Students;

/// <summary>
/// A classifier of images, teacher or student alike:
/// <code>
/// tokens = patch_embed(stem(images))            [B, L, D]
/// tokens = tokens + mixer(norm(tokens))         blocks times
/// h      = mean over tokens of norm(tokens)     [B, D]
/// logits = head(h), or head([h, feature of the preceding student])
/// </code>
/// </summary>
public sealed class PatchMamba : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d? stem;
    private readonly PatchEmbedding patch_embed;
    private readonly ModuleList<PatchLayer> layers;
    private readonly RmsNorm norm;
    private readonly Linear head;
    private readonly Linear? dist_head;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    /// <exception cref="ArgumentException">A size is out of range.</exception>
    public PatchMamba(PatchMambaOptions options)
        : base(nameof(PatchMamba))
    {
        options.Validate();
        Options = options;
        int stride = options.stem_stride;
        stem = options.stem_channels > 0 ? nn.Conv2d(options.channels, options.stem_channels, 3, stride: stride, padding: 1) : null;
        patch_embed = stem is null
            ? new PatchEmbedding(options.channels, options.height, options.width, options.patch, options.d_model)
            : new PatchEmbedding(options.stem_channels, options.height / stride, options.width / stride, options.patch / stride, options.d_model);
        layers = new ModuleList<PatchLayer>([.. Enumerable.Range(0, options.blocks).Select(_ => new PatchLayer(options))]);
        norm = new RmsNorm(options.d_model);
        head = nn.Linear(options.d_model + options.reuse, options.classes);
        dist_head = options.distillation_head ? nn.Linear(options.d_model + options.reuse, options.classes) : null;
        RegisterComponents();
    }

    /// <summary>The sizes.</summary>
    public PatchMambaOptions Options { get; }

    /// <summary>Of all parameters.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>[B, C, H, W] to logits [B, K]; for a model that reads no other's feature.</summary>
    public override Tensor forward(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        return Logits(Features(images)).MoveToOuterDisposeScope();
    }

    /// <summary>The pooled feature h, [B, D].</summary>
    /// <param name="images">[B, C, H, W]</param>
    public Tensor Features(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = patch_embed.call(stem is null ? images : nn.functional.silu(stem.call(images)));      // [B, L, D]
        foreach (PatchLayer layer in layers)
        {
            tokens = layer.call(tokens);
        }

        return norm.call(tokens).mean([1L]).MoveToOuterDisposeScope();                                           // [B, D]
    }

    /// <summary>Logits [B, K]: the mean of both heads where there are two.</summary>
    /// <param name="h">Own feature [B, D]</param>
    /// <param name="before">Feature of the preceding student [B, reuse]; null where none is read</param>
    public Tensor Logits(Tensor h, Tensor? before = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor read = Read(h, before), logits = head.call(read);
        return (dist_head is null ? logits : (logits + dist_head.call(read)) / 2).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of the class head and of the distillation head, [B, K] each.</summary>
    /// <exception cref="InvalidOperationException">The model has no distillation head.</exception>
    public (Tensor Class, Tensor Distillation) BothLogits(Tensor h, Tensor? before = null)
    {
        if (dist_head is null)
        {
            throw new InvalidOperationException("The model has no distillation head; make it with distillation_head.");
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor read = Read(h, before);
        return (head.call(read).MoveToOuterDisposeScope(), dist_head.call(read).MoveToOuterDisposeScope());
    }

    private Tensor Read(Tensor h, Tensor? before)
    {
        if ((before?.shape[1] ?? 0) != Options.reuse)
        {
            throw new ArgumentException($"The head reads {Options.reuse} values of the preceding student's feature and was given {before?.shape[1] ?? 0}; give the feature of the student it was made for.");
        }

        return before is null ? h : cat([h, before], 1);
    }
}
