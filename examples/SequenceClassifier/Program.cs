// A sequence classifier of two Mamba blocks. The task needs a memory: the class is the symbol that stood right after a marker
// somewhere in a sequence of 48 symbols, and only the last position is asked.
using System.Diagnostics;
using MambaExt.Blocks;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

const int Classes = 8, Marker = Classes, Length = 48, Batch = 32, Steps = 300;
manual_seed(1);
var random = new Random(1);
using var model = new Classifier(symbols: Classes + 1, d_model: 32, Classes);
using var optimizer = Optimizers.AdamW(model, learningRate: 5e-3, weightDecay: 0.01);
long start = Stopwatch.GetTimestamp();
for (int step = 1; step <= Steps; step++)
{
    using DisposeScope scope = NewDisposeScope();
    var (symbols, labels) = Draw();
    optimizer.zero_grad();
    Tensor loss = nn.functional.cross_entropy(model.forward(symbols), labels);
    loss.backward();
    nn.utils.clip_grad_norm_(model.parameters(), 1);
    optimizer.step();
    if (step % 50 == 0)
    {
        Console.WriteLine($"step {step}: loss {loss.item<float>():f3}");
    }
}

model.eval();
using (no_grad())
using (NewDisposeScope())
{
    int right = 0;
    for (int i = 0; i < 10; i++)
    {
        var (symbols, labels) = Draw();
        right += (int)(model.forward(symbols).argmax(1) == labels).sum().item<long>();
    }

    Console.WriteLine($"{100.0 * right / (10 * Batch):f1} % of new sequences right, {Stopwatch.GetElapsedTime(start).TotalSeconds:f1} s");
}

(Tensor Symbols, Tensor Labels) Draw()
{
    var symbols = new long[Batch, Length];
    var labels = new long[Batch];
    for (int b = 0; b < Batch; b++)
    {
        for (int l = 0; l < Length; l++)
        {
            symbols[b, l] = random.Next(Classes);
        }

        int at = random.Next(Length - 1);
        symbols[b, at] = Marker;
        labels[b] = symbols[b, at + 1];
    }

    return (tensor(symbols), tensor(labels));
}

// README: block
/// <summary>Embedding, two Mamba blocks with residual connections, and a head on the last position.</summary>
internal sealed class Classifier : nn.Module<Tensor, Tensor>
{
    private readonly Embedding embedding;
    private readonly MambaBlock first, second;
    private readonly RmsNorm norm;
    private readonly Linear head;

    public Classifier(int symbols, int d_model, int classes)
        : base(nameof(Classifier))
    {
        embedding = nn.Embedding(symbols, d_model);
        first = new MambaBlock(new MambaOptions(d_model) { d_state = 16, expand = 2 });
        second = new MambaBlock(new MambaOptions(d_model) { d_state = 16, expand = 2 });
        norm = new RmsNorm(d_model);
        head = nn.Linear(d_model, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor symbols)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = embedding.forward(symbols);                          // [B, L, d_model]
        x = x + first.forward(x);
        x = x + second.forward(x);
        return head.forward(norm.forward(x.select(1, -1))).MoveToOuterDisposeScope();   // [B, classes]
    }
}
// End of README: block
