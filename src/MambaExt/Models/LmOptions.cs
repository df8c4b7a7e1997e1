using MambaExt.Blocks;

namespace MambaExt.Models;

/// <summary>Sizes of a language model of Mamba or Mamba-2 blocks, with the published names and defaults.</summary>
/// <param name="n_layer">Blocks: 1 to 10,000.</param>
/// <param name="vocab_size">Tokens: 1 or more.</param>
public abstract record LmOptions(int n_layer, int vocab_size)
{
    private const int MostLayers = 10_000;

    /// <summary>The embedding has rows up to a multiple of this; the rows beyond the vocabulary are never generated.</summary>
    public int pad_vocab_size_multiple { get; init; } = 8;

    /// <summary>Added to the mean square of the norms.</summary>
    public double norm_eps { get; init; } = 1e-5;

    /// <summary>The head is the embedding; otherwise it has weights of its own.</summary>
    public bool tie_embeddings { get; init; } = true;

    /// <summary>Width of the residual stream.</summary>
    public abstract int d_model { get; }

    /// <summary>Rows of the embedding.</summary>
    public long PaddedVocabulary => ((long)vocab_size + pad_vocab_size_multiple - 1) / pad_vocab_size_multiple * pad_vocab_size_multiple;

    /// <summary>Parameters of the model, from the sizes alone.</summary>
    public long ParameterCount => checked(
        (tie_embeddings ? 1 : 2) * PaddedVocabulary * d_model + d_model + n_layer * (d_model + MixerShapes().Sum(p => p.Shape.Aggregate(1L, (a, b) => checked(a * b)))));

    /// <summary>Name and shape of every parameter, from the sizes alone.</summary>
    public IEnumerable<(string Name, long[] Shape)> ParameterShapes()
    {
        yield return ("backbone.embedding.weight", [PaddedVocabulary, d_model]);
        (string Name, long[] Shape)[] mixer = [.. MixerShapes()];
        for (int i = 0; i < n_layer; i++)
        {
            yield return ($"backbone.layers.{i}.norm.weight", [d_model]);
            foreach (var (name, shape) in mixer)
            {
                yield return ($"backbone.layers.{i}.mixer.{name}", shape);
            }
        }

        yield return ("backbone.norm_f.weight", [d_model]);
        if (!tie_embeddings)
        {
            yield return ("lm_head.weight", [PaddedVocabulary, d_model]);
        }
    }

    /// <summary>Throws one sentence for what is out of range.</summary>
    public virtual void Validate()
    {
        if (n_layer is < 1 or > MostLayers || vocab_size < 1 || pad_vocab_size_multiple < 1 || PaddedVocabulary > int.MaxValue || !(norm_eps >= 0 && double.IsFinite(norm_eps)))
        {
            throw new ArgumentException(
                $"A language model was given n_layer {n_layer}, vocab_size {vocab_size}, pad_vocab_size_multiple {pad_vocab_size_multiple} and norm_eps {norm_eps}; n_layer must be 1 to {MostLayers}, the sizes 1 or more with a padded vocabulary up to {int.MaxValue}, and norm_eps finite and not negative.");
        }
    }

    /// <summary>Name and shape of every parameter of a block.</summary>
    protected abstract IEnumerable<(string Name, long[] Shape)> MixerShapes();
}

/// <summary>A model of Mamba blocks.</summary>
/// <param name="n_layer">Blocks.</param>
/// <param name="vocab_size">Tokens.</param>
/// <param name="mixer">The blocks.</param>
public sealed record MambaLmOptions(int n_layer, int vocab_size, MambaOptions mixer) : LmOptions(n_layer, vocab_size)
{
    /// <inheritdoc/>
    public override int d_model => mixer.d_model;

    /// <inheritdoc/>
    public override void Validate()
    {
        mixer.Validate();
        base.Validate();
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, long[] Shape)> MixerShapes()
    {
        long inner = mixer.d_inner, states = mixer.d_state, rank = mixer.Rank;
        yield return ("in_proj.weight", [2 * inner, d_model]);
        yield return ("conv1d.weight", [inner, 1, mixer.d_conv]);
        yield return ("x_proj.weight", [rank + 2 * states, inner]);
        yield return ("dt_proj.weight", [inner, rank]);
        yield return ("dt_proj.bias", [inner]);
        yield return ("A_log", [inner, states]);
        yield return ("D", [inner]);
        yield return ("out_proj.weight", [d_model, inner]);
        if (mixer.conv_bias)
        {
            yield return ("conv1d.bias", [inner]);
        }

        if (mixer.bias)
        {
            yield return ("in_proj.bias", [2 * inner]);
            yield return ("out_proj.bias", [d_model]);
        }
    }
}

/// <summary>A model of Mamba-2 blocks; its vocabulary is padded to a multiple of 16 unless set otherwise, as published.</summary>
public sealed record Mamba2LmOptions : LmOptions
{
    /// <summary>Makes the sizes.</summary>
    /// <param name="n_layer">Blocks</param>
    /// <param name="vocab_size">Tokens</param>
    /// <param name="mixer">The blocks</param>
    public Mamba2LmOptions(int n_layer, int vocab_size, Mamba2Options mixer)
        : base(n_layer, vocab_size) => (this.mixer, pad_vocab_size_multiple) = (mixer, 16);

    /// <summary>The blocks.</summary>
    public Mamba2Options mixer { get; init; }

    /// <inheritdoc/>
    public override int d_model => mixer.d_model;

    /// <inheritdoc/>
    public override void Validate()
    {
        mixer.Validate();
        base.Validate();
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, long[] Shape)> MixerShapes()
    {
        long rows = (long)mixer.d_inner + mixer.conv_dim + mixer.nheads;
        yield return ("in_proj.weight", [rows, d_model]);
        yield return ("conv1d.weight", [mixer.conv_dim, 1, mixer.d_conv]);
        yield return ("dt_bias", [mixer.nheads]);
        yield return ("A_log", [mixer.nheads]);
        yield return ("D", [mixer.D_has_hdim ? mixer.d_inner : mixer.nheads]);
        yield return ("out_proj.weight", [d_model, mixer.d_inner]);
        if (mixer.rmsnorm)
        {
            yield return ("norm.weight", [mixer.d_inner]);
        }

        if (mixer.conv_bias)
        {
            yield return ("conv1d.bias", [mixer.conv_dim]);
        }

        if (mixer.bias)
        {
            yield return ("in_proj.bias", [rows]);
            yield return ("out_proj.bias", [d_model]);
        }
    }
}
