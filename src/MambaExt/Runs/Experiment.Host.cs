using System.Diagnostics;
using MambaExt.Training;

namespace MambaExt.Runs;

/// <content>What one training of the experiment gives to the run.</content>
public sealed partial class Experiment<TKey, TResult>
{
    /// <summary>A file that a training offers.</summary>
    private sealed record Attachment(string Path, byte[] Content);

    /// <summary>What a rank's training comes to: lines that are not written yet, its result, its files.</summary>
    private sealed record Share(string[] Lines, TResult? Result, Attachment[] Files);

    /// <summary>The host of one training. Apart from other ranks its lines wait until theirs can be written in order; else they are written at once.</summary>
    private sealed class Host(Experiment<TKey, TResult> owner, bool apart, Func<EpochReport, object>? line) : ITrainingHost
    {
        private readonly StateBag? _state = owner.Take();
        private readonly List<string> _waiting = [];
        private readonly Dictionary<string, byte[]> _files = [];

        public bool CheckpointDue => !apart && Stopwatch.GetElapsedTime(owner._lastCheckpoint) >= owner._every;

        public StateBag? TakeResumed() => _state;

        public void Report(EpochReport epoch)
        {
            string text = RunFolder.Line(line!(epoch));
            if (apart)
            {
                _waiting.Add(text);
            }
            else
            {
                owner._folder?.AppendLine(text);
            }
        }

        public void Attach(string path, byte[] content) => _files[path] = content;

        public void Checkpoint(StateBag state)
        {
            // A rank that is stopped while it works apart loses the training under way, and nothing else.
            if (!apart)
            {
                owner.Save(state);
            }
        }

        public Share Finish(TResult result) => new([.. _waiting], result, [.. _files.Select(f => new Attachment(f.Key, f.Value))]);
    }
}
