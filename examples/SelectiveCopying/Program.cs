// Selective copying (Gu and Dao, "Mamba", arXiv 2312.00752, section 4.1.1): symbols stand at random places among noise and must be said
// in their order at the end. Blocks whose steps, B and C depend on what they read can pass over the noise. The same network with constant
// steps, B and C is a linear system that knows distances alone, and symbols have no fixed distance here. Every seed is printed.
// Arguments: training steps, then seeds; without any, 1500 and 3.
using System.Diagnostics;
using System.Globalization;
using MambaExt;
using MambaExt.Blocks;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

const int Symbols = 10, Noise = Symbols, Question = Symbols + 1, Copied = 8, Length = 48, Batch = 32, Asked = 512;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length > 2 || !args.All(a => int.TryParse(a, out int count) && count is > 0 and <= 1_000_000))
{
    Console.Error.WriteLine($"The arguments are '{string.Join(' ', args)}'; give training steps, then seeds (1 to 1000000 each), or leave them out.");
    return 1;
}

int steps = args.Length > 0 ? int.Parse(args[0]) : 1500, seeds = args.Length > 1 ? int.Parse(args[1]) : 3;
double selective = Mean("selective", options => new MambaBlock(options)), invariant = Mean("time-invariant", options => new TimeInvariantBlock(options));
Console.WriteLine($"selective above time-invariant: {100 * (selective - invariant):f1} points");
return 0;

double Mean(string kind, Func<MambaOptions, nn.Module<Tensor, Tensor>> block)
{
    double mean = Enumerable.Range(1, seeds).Select(seed => Run(kind, seed, block)).Average();
    Console.WriteLine($"{kind}, mean of {seeds}: {mean:p1}");
    return mean;
}

double Run(string kind, int seed, Func<MambaOptions, nn.Module<Tensor, Tensor>> block)
{
    long start = Stopwatch.GetTimestamp();
    manual_seed(seed);
    using var model = new Network(Question + 1, Symbols, block);
    Trainer.Run(
        new TrainingTask<(long[,] Tokens, long[,] Answers)>
        {
            Model = model,
            Batches = new ShuffledBatches<(long[,], long[,])>(steps * Batch, Batch, (ulong)seed, (_, samples) => Draw(seed, samples.Span)),
            Loss = batch => nn.functional.cross_entropy(Ask(model, batch.Tokens).flatten(0, 1), tensor(batch.Answers).flatten()),
        },
        new TrainingOptions { epochs = 1, learning_rate = 2e-3, weight_decay = 0.01, warmup_steps = 20 });

    // Samples that no training batch has.
    using IDisposable _ = no_grad();
    using DisposeScope scope = NewDisposeScope();
    var (tokens, answers) = Draw(seed, [.. Enumerable.Range(steps * Batch, Asked)]);
    double score = (Ask(model, tokens).argmax(2) == tensor(answers)).to_type(ScalarType.Float64).mean().item<double>();
    Console.WriteLine($"{kind}, seed {seed}: {score:p1} of the symbols right, {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
    return score;
}

// Logits of the answers, [B, Copied, Symbols].
static Tensor Ask(Network model, long[,] tokens) => model.forward(tensor(tokens)).narrow(1, Length, Copied);

// A sample is a function of its seed and number alone.
static (long[,] Tokens, long[,] Answers) Draw(int seed, ReadOnlySpan<int> samples)
{
    long[,] tokens = new long[samples.Length, Length + Copied], answers = new long[samples.Length, Copied];
    for (int i = 0; i < samples.Length; i++)
    {
        var random = new Random((int)CounterRandom.ForKey((ulong)seed, RandomStream.Batches, samples[i], draw: 1));
        int[] places = [.. Enumerable.Range(0, Length)];
        random.Shuffle(places);
        Array.Sort(places, 0, Copied);
        for (int t = 0; t < Length + Copied; t++)
        {
            tokens[i, t] = t < Length ? Noise : Question;
        }

        for (int k = 0; k < Copied; k++)
        {
            answers[i, k] = tokens[i, places[k]] = random.Next(Symbols);
        }
    }

    return (tokens, answers);
}

/// <summary>Embedding, two pre-norm residual blocks, norm and head.</summary>
internal sealed class Network : nn.Module<Tensor, Tensor>
{
    private const int Width = 64;
    private readonly Embedding embedding;
    private readonly RmsNorm first_norm, second_norm, last_norm;
    private readonly nn.Module<Tensor, Tensor> first, second;
    private readonly Linear head;

    public Network(int tokens, int symbols, Func<MambaOptions, nn.Module<Tensor, Tensor>> block)
        : base(nameof(Network))
    {
        embedding = nn.Embedding(tokens, Width);
        (first_norm, second_norm, last_norm) = (new RmsNorm(Width), new RmsNorm(Width), new RmsNorm(Width));
        (first, second) = (block(new MambaOptions(Width)), block(new MambaOptions(Width)));
        head = nn.Linear(Width, symbols);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = embedding.forward(tokens);
        x = x + first.forward(first_norm.forward(x));
        x = x + second.forward(second_norm.forward(x));
        return head.forward(last_norm.forward(x)).MoveToOuterDisposeScope();
    }
}

/// <summary>A Mamba block with B and C of each channel's own, [D, N], and steps that are the bias of its dt_proj at every position.</summary>
internal sealed class TimeInvariantBlock : nn.Module<Tensor, Tensor>
{
    private readonly MambaBlock block;
    private readonly Parameter B, C;

    public TimeInvariantBlock(MambaOptions options)
        : base(nameof(TimeInvariantBlock))
    {
        block = new MambaBlock(options);
        B = nn.Parameter(ones(options.d_inner, options.d_state));
        C = nn.Parameter(randn(options.d_inner, options.d_state));
        RegisterComponents();
    }

    public override Tensor forward(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor none = zeros(hidden.shape[0], hidden.shape[1], block.Options.Rank);
        return block.ForwardWithSignals(hidden, new MambaSignals(dt_low: none, B: B, C: C)).Out.MoveToOuterDisposeScope();
    }
}
