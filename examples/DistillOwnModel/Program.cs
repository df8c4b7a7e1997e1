// Distils a model of your own, here a small convolutional network, into three Mamba students that answer at any budget. The images are drawn: which
// of four shapes is it, under noise and at any place? Two minutes on one core at most.
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

const int Side = 16, Classes = 4;
var random = new Random(1);
using TensorImages images = Draw(3000), held = Draw(500), test = Draw(1000);

// The teacher: any module from images to logits. Yours is trained already; this one takes twenty seconds.
using Sequential network = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride: 2, padding: 1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride: 2, padding: 1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 4 * 4, 64), nn.ReLU(), nn.Linear(64, Classes));
Trainer.Run(
    new TrainingTask<int[]>
    {
        Model = network,
        Batches = new ShuffledBatches<int[]>(images.Count, 50, 1, (_, samples) => samples.ToArray()),
        Loss = samples => nn.functional.cross_entropy(network.call(images.Read(samples, 0)), images.LabelsOf(samples)),
    },
    new TrainingOptions { epochs = 8, patience = 0, learning_rate = 3e-3 });
using var teacher = new ModuleTeacher(network, Classes);
Console.WriteLine($"teacher: {Accuracy(x => network.call(x)):f1} %");

// The students, smallest first: patch, width, states, blocks.
PatchMambaOptions like = new() { height = Side, width = Side, classes = Classes };
IReadOnlyList<PatchMambaOptions> ladder = StudentLadder.Of(like, "8x8x4x1", "4x16x4x1", "4x24x8x1");
var options = new DistillOptions
{
    losses = LossTerm.Parse("ce:0.5,kd:0.5:temperature=2"),
    training = new TrainingOptions { epochs = 12, patience = 0, learning_rate = 5e-3, schedule = "cosine", warmup_steps = 20, validate_every = 12 },
};
using var progression = new Progression(images, HeldOut.Of(held), teacher, options, ladder.Count);
foreach (PatchMambaOptions student in ladder)
{
    StageResult stage = progression.Train(student, seed: progression.Students.Count, reuse: false);
    progression.Add(stage);
    Console.WriteLine($"student {student.Size}, {FlopCount.Total(student).flops:n0} FLOPs: prefix {stage.HeldOut.accuracy:f1} % held out, gained {stage.Gain:f3} nats");
}

// All of them as one model, saved and loaded without training code.
string folder = Path.Combine(Path.GetTempPath(), "distill-own-model");
using (var trained = new StudentGroup(new GroupDescription(
    GroupDescription.Kind, "shapes", "own", progression.Mode.Name, [.. progression.Students.Select(s => s.Model.Options)], [.. progression.Weights], [0], [1])))
{
    trained.CopyFrom([.. progression.Students.Select(s => s.Model)]);
    GroupFolder.Save(folder, trained, ["cross", "ring", "bars", "dot"]);
}

using StudentGroup group = GroupFolder.Load(folder).Group;
for (int t = 1; t <= group.Count; t++)
{
    int count = t;
    Console.WriteLine($"{t} student(s), {group.Flops[t - 1]:n0} FLOPs: {Accuracy(x => group.Predict(x, count)):f1} %");
}

using (NewDisposeScope())
{
    EarlyExitAnswer exit = EarlyExit.Run(group, test.All, [0.9, 0.9, 0]);
    int[] classes = Scores.Classes(exit.Logits.data<float>().ToArray(), Classes);
    Console.WriteLine($"early exit at 0.9: {100 * Metrics.Accuracy(classes, test.Labels):f1} % with a mean of {exit.MeanFlops:n0} FLOPs");
}

double Accuracy(Func<Tensor, Tensor> model) => Scores.Of(HeldOut.Of(test).Logits(model), test.Labels).accuracy;

// Crosses, rings, pairs of bars and dots of any place, under noise.
TensorImages Draw(int count)
{
    var values = new float[count * Side * Side];
    var labels = new int[count];
    for (int i = 0; i < count; i++)
    {
        labels[i] = random.Next(Classes);
        int x = random.Next(4, Side - 4), y = random.Next(4, Side - 4);
        for (int p = 0; p < Side * Side; p++)
        {
            int a = Math.Abs((p % Side) - x), b = Math.Abs((p / Side) - y);
            bool on = labels[i] switch { 0 => Math.Min(a, b) == 0 && Math.Max(a, b) <= 3, 1 => Math.Max(a, b) == 3, 2 => a is 1 or 2 && b <= 3, _ => Math.Max(a, b) <= 1 };
            values[(i * Side * Side) + p] = (on ? 1 : 0) + (float)(0.4 * ((2 * random.NextDouble()) + random.NextDouble() - 1.5));
        }
    }

    using Tensor all = tensor(values);
    using Tensor shaped = all.view(count, 1, Side, Side);
    return new TensorImages(shaped, labels, Classes);
}
