# A working day over Mail::IMAPClient: working_day.pl PORT USER PASSWORD.

use strict;
use warnings;
use Mail::IMAPClient;

my ($port, $user, $password) = @ARGV;
my $imap = Mail::IMAPClient->new(
    Server => 'localhost', Port => $port, User => $user, Password => $password,
    Starttls => [SSL_verify_mode => 0], Uid => 1, Peek => 1,
) or die "login: $@";

sub ok {
    my ($what, $value) = @_;
    die "$what: " . ($imap->LastError // 'no error said') unless $value;
    return $value;
}

ok('create', $imap->create('Projekte'));
ok('subscribe', $imap->subscribe('Projekte'));
ok('folders', grep { $_ eq 'Projekte' } $imap->folders);
for my $n (0 .. 29) {
    ok("append $n", $imap->append_string('INBOX',
        "From: a$n\@example.test\r\nTo: ann\@example.test\r\nSubject: perl $n\r\n"
        . "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <$n\@perl.test>\r\n\r\nText $n\r\n",
        $n % 2 ? '\\Seen' : ''));
}
ok('select', $imap->select('INBOX'));
ok('count', $imap->message_count == 30);
ok('unseen', $imap->unseen_count == 15);
my @found = $imap->search('SUBJECT', 'perl 1', 'UNSEEN');
ok('search', @found == 5);
ok('sort', scalar $imap->sort('REVERSE ARRIVAL', 'UTF-8', 'ALL')) if $imap->has_capability('SORT');
if ($imap->has_capability('THREAD=REFERENCES')) {
    my $threads = $imap->thread('REFERENCES', 'UTF-8', 'ALL');
    ok('thread', ref $threads && @$threads == 30);
}
my $headers = $imap->parse_headers(\@found, 'Subject', 'From', 'Date');
ok('headers', $headers && $headers->{$found[0]}{Subject}[0] =~ /^perl 1/);
ok('body', $imap->body_string($found[0]) =~ /^Text 1/);
ok('message', length($imap->message_string($found[0])) == $imap->size($found[0]));
my $envelope = ok('envelope', $imap->get_envelope($found[0]));
ok('envelope subject', $envelope->subject =~ /perl 1/);
my $structure = ok('structure', $imap->get_bodystructure($found[0]));
ok('type', lc $structure->bodytype eq 'text');
ok('flag', $imap->set_flag('Todo', @found));
ok('flagged', scalar(@{ $imap->search('KEYWORD Todo') }) == 5);
ok('copy', $imap->copy('Projekte', @found));
ok('move', $imap->move('Projekte', [ ($imap->search('SUBJECT', 'perl 29'))[0] ]));
ok('delete', $imap->delete_message(@found));
ok('expunge', $imap->expunge);
ok('left', $imap->message_count == 24);
ok('status', $imap->status('Projekte', 'MESSAGES'));
ok('there', $imap->message_count('Projekte') == 6);
my $tag = ok('idle', $imap->idle);
ok('done', $imap->done($tag));
ok('unselect', $imap->close);
ok('rename', $imap->rename('Projekte', 'Rom'));
ok('remove', $imap->delete('Rom'));
ok('logout', $imap->logout);
print "all well\n";
