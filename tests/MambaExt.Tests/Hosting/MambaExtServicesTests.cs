using MambaExt.Hosting;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Hosting;

public sealed class MambaExtServicesTests : TensorTests
{
    [Fact]
    public void Options_out_of_range_are_named_together_at_the_start()
    {
        using ServiceProvider services = new ServiceCollection()
            .AddMambaExt(o => (o.Threads, o.RunsFolder, o.DataFolder, o.CheckpointEvery) = (-1, " ", "/nowhere/at/all", TimeSpan.FromSeconds(-1)))
            .BuildServiceProvider();
        var error = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());
        Assert.Equal(4, error.Failures.Count());
        Assert.Contains("Threads is -1; give 1 to 1024", error.Message, StringComparison.Ordinal);
        Assert.Contains("'/nowhere/at/all', which does not exist", error.Message, StringComparison.Ordinal);
        Assert.Throws<OptionsValidationException>(services.GetRequiredService<ModelTrainer>);
    }

    [Fact]
    public void A_model_trains_with_progress_in_the_log_and_stops_when_asked()
    {
        var log = new Kept();
        using ServiceProvider services = new ServiceCollection().AddLogging(b => b.AddProvider(log)).AddMambaExt(o => o.Threads = 1).AddMambaExt().BuildServiceProvider();
        ModelTrainer trainer = services.GetRequiredService<ModelTrainer>();
        Assert.Same(trainer, services.GetRequiredService<ModelTrainer>());
        using nn.Module<Tensor, Tensor> model = nn.Linear(3, 1);
        Tensor x = randn(20, 3), y = x.matmul(tensor(new float[] { 1, -2, 3 }, [3, 1]));
        double Error() => nn.functional.mse_loss(model.call(x), y).item<float>();
        var task = new TrainingTask<int>
        {
            Model = model,
            Batches = new WholeBatch<int>(0),
            Loss = _ => nn.functional.mse_loss(model.call(x), y),
            Validate = () => new Validation(-Error(), Error()),
        };
        double before = Error();
        TrainingOutcome outcome = trainer.Train(task, new TrainingOptions { epochs = 50, learning_rate = 0.1, patience = 0 });
        Assert.Equal(50, outcome.Epochs);
        Assert.True(Error() < before / 10);
        Assert.Equal(51, log.Lines.Count);
        Assert.StartsWith("epoch 1 of 50: loss ", log.Lines[0], StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        var progress = new Immediate(e =>
        {
            if (e.Epoch == 3)
            {
                stop.Cancel();
            }
        });
        log.Lines.Clear();
        Assert.Throws<OperationCanceledException>(() => trainer.Train(task, new TrainingOptions { epochs = 50 }, progress, stop.Token));
        Assert.Equal(3, log.Lines.Count);
    }

    private sealed class Immediate(Action<EpochReport> report) : IProgress<EpochReport>
    {
        public void Report(EpochReport value) => report(value);
    }

    private sealed class Kept : ILoggerProvider, ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));
    }
}
