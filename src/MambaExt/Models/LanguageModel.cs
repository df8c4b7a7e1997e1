using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Models;

/// <summary>
/// A language model of Mamba or Mamba-2 blocks, pre-norm, with the head tied to the embedding or not. Parameters carry their published
/// names (<c>backbone.layers.0.mixer.in_proj.weight</c>) and are initialized as published: embedding N(0, 0.02), out_proj divided by
/// sqrt(n_layer).
/// </summary>
public abstract class LanguageModel : nn.Module<Tensor, Tensor>
{
    private readonly LmBackbone backbone;
    private readonly Linear? lm_head;

    private protected LanguageModel(LmOptions options)
        : base(nameof(LanguageModel))
    {
        options.Validate();
        LmOptions = options;
        backbone = new LmBackbone(options);
        lm_head = options.tie_embeddings ? null : nn.Linear(options.d_model, options.PaddedVocabulary, hasBias: false);
        RegisterComponents();
        using IDisposable _ = no_grad();
        backbone.embedding.weight!.normal_(0, 0.02);
        foreach (var (name, parameter) in named_parameters())
        {
            if (name.EndsWith("out_proj.weight", StringComparison.Ordinal))
            {
                parameter.div_(Math.Sqrt(options.n_layer));
            }
            else if (name.EndsWith("in_proj.bias", StringComparison.Ordinal) || name.EndsWith("out_proj.bias", StringComparison.Ordinal))
            {
                parameter.zero_();
            }
        }
    }

    /// <summary>The sizes.</summary>
    public LmOptions LmOptions { get; }

    /// <summary>Logits of the next token, [B, L, padded vocabulary].</summary>
    /// <param name="input_ids">int64 [B, L]</param>
    public override Tensor forward(Tensor input_ids)
    {
        using DisposeScope scope = NewDisposeScope();
        Check(input_ids);
        return Head(backbone.forward(input_ids)).MoveToOuterDisposeScope();
    }

    /// <summary>Mean cross-entropy of each next token.</summary>
    /// <param name="input_ids">int64 [B, L], L 2 or more</param>
    public Tensor Loss(Tensor input_ids)
    {
        if (input_ids.dim() != 2 || input_ids.shape[1] < 2)
        {
            throw new ArgumentException($"input_ids has shape [{string.Join(", ", input_ids.shape)}], expected [B, L] with L 2 or more; a loss needs a next token.");
        }

        using DisposeScope scope = NewDisposeScope();
        long length = input_ids.shape[1];
        Tensor logits = forward(input_ids.narrow(1, 0, length - 1));
        return nn.functional.cross_entropy(logits.flatten(0, 1), input_ids.narrow(1, 1, length - 1).flatten()).MoveToOuterDisposeScope();
    }

    /// <summary>An empty memory for a number of sequences; the caller disposes it.</summary>
    public LmCache NewCache(long batch) => new(batch, [.. backbone.layers.Select(layer => layer.NewCache(batch, backbone.embedding.weight!.dtype, backbone.embedding.weight.device))]);

    /// <summary>Continues sequences: logits of any number of further tokens after those that <paramref name="cache"/> has seen. Not
    /// recorded by autograd.</summary>
    /// <param name="input_ids">int64 [B, L]</param>
    /// <param name="cache">Updated</param>
    public Tensor Forward(Tensor input_ids, LmCache cache)
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Check(input_ids);
        if (input_ids.shape[0] != cache.Batch || cache.Layers.Count != backbone.layers.Count)
        {
            throw new ArgumentException(
                $"The cache is for {cache.Batch} sequences and {cache.Layers.Count} layers, and there are {input_ids.shape[0]} sequences and {backbone.layers.Count} layers; make it with NewCache of this model.");
        }

        return Head(backbone.Forward(input_ids, cache)).MoveToOuterDisposeScope();
    }

    /// <summary>Continues each sequence by tokens drawn one at a time; constant memory and time a token.</summary>
    /// <param name="input_ids">int64 [B, L], L 1 or more</param>
    /// <param name="options">How tokens are chosen</param>
    /// <param name="token">Ends the generation after the token at hand</param>
    /// <returns>int64 [B, L + generated], the prompt included</returns>
    public Tensor Generate(Tensor input_ids, GenerationOptions options, CancellationToken token = default)
    {
        options.Validate(LmOptions.vocab_size);
        Check(input_ids);
        if (input_ids.shape[1] < 1)
        {
            throw new ArgumentException("input_ids has no token; give a prompt of one token or more, such as the end-of-text token.");
        }

        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int batch = checked((int)input_ids.shape[0]);
        using LmCache cache = NewCache(batch);
        var chosen = new List<long[]>();
        bool[] ended = new bool[batch];
        Tensor next = input_ids;
        for (int step = 0; step < options.max_new_tokens && batch > 0 && !ended.All(e => e) && !token.IsCancellationRequested; step++)
        {
            using DisposeScope one = NewDisposeScope();
            Tensor last = Forward(next, cache).select(1, -1).narrow(1, 0, LmOptions.vocab_size).to_type(ScalarType.Float32).cpu().contiguous();
            float[] logits = last.data<float>().ToArray();
            var tokens = new long[batch];
            for (int row = 0; row < batch; row++)
            {
                // A sequence that has ended goes on with its last token.
                tokens[row] = ended[row] ? options.eos_token!.Value : TokenSampler.Choose(logits.AsSpan(row * LmOptions.vocab_size, LmOptions.vocab_size), options, row, step);
                ended[row] |= tokens[row] == options.eos_token;
            }

            chosen.Add(tokens);
            next = tensor(tokens, [batch, 1], device: input_ids.device).MoveToOuterDisposeScope();
        }

        Tensor[] parts = [input_ids, .. chosen.Select(tokens => tensor(tokens, [batch, 1], device: input_ids.device))];
        return cat(parts, 1).MoveToOuterDisposeScope();
    }

    private Tensor Head(Tensor x) => lm_head is null ? nn.functional.linear(x, backbone.embedding.weight!) : lm_head.forward(x);

    private void Check(Tensor input_ids)
    {
        if (input_ids.dim() != 2 || input_ids.dtype != ScalarType.Int64)
        {
            throw new ArgumentException($"input_ids is {input_ids.dtype} [{string.Join(", ", input_ids.shape)}], expected Int64 [B, L]; put the batch first and convert with to_type.");
        }

        if (input_ids.numel() > 0)
        {
            using IDisposable _ = no_grad();
            using DisposeScope scope = NewDisposeScope();
            long least = input_ids.min().item<long>(), largest = input_ids.max().item<long>();
            if (least < 0 || largest >= LmOptions.vocab_size)
            {
                throw new ArgumentException($"input_ids holds tokens from {least} to {largest}; allowed are 0 to {LmOptions.vocab_size - 1}, so use the tokenizer of this model.");
            }
        }
    }
}

/// <summary>A language model of Mamba blocks (Gu and Dao, arXiv 2312.00752).</summary>
/// <param name="options">Sizes.</param>
public sealed class MambaLm(MambaLmOptions options) : LanguageModel(options)
{
    /// <summary>The sizes.</summary>
    public MambaLmOptions Options { get; } = options;
}

/// <summary>A language model of Mamba-2 blocks (Dao and Gu, arXiv 2405.21060).</summary>
/// <param name="options">Sizes.</param>
public sealed class Mamba2Lm(Mamba2LmOptions options) : LanguageModel(options)
{
    /// <summary>The sizes.</summary>
    public Mamba2LmOptions Options { get; } = options;
}
